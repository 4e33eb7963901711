/** Followers of a turn on this node: the last one to leave starts the grace time, unless the turn has ended. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TurnWriter } from '../../../src/event-log/event-log.ts';
import { createLiveTurns } from '../../../src/turns/live-turns.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const GRACE_MS = 1_000;

function launch(...elsewhere: number[]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const turn = createLiveTurns().launch(
    {
      id: 't',
      conversationId: 'c',
      grace: { ms: GRACE_MS, followedElsewhereMs: async () => elsewhere.shift() ?? 0 },
      openWriter: () => ({}) as TurnWriter,
    },
    () => promise,
  );
  return { turn, end: resolve };
}

it('a turn that nobody follows is stopped after the grace time, also when the only follower left twice', async () => {
  const { turn } = launch();
  const leaveFirst = turn.addFollower();
  const leaveSecond = turn.addFollower();
  leaveFirst();
  leaveFirst();
  await vi.advanceTimersByTimeAsync(GRACE_MS);
  expect(turn.stopped).toBeNull();
  leaveSecond();
  await vi.advanceTimersByTimeAsync(GRACE_MS);
  expect(turn.stopped).toEqual({ reason: 'DISCONNECTED', actor: null });
});

it('a follower that leaves after the end starts no timer', async () => {
  const { turn, end } = launch();
  const leave = turn.addFollower();
  end();
  await turn.done;
  leave();
  expect(vi.getTimerCount()).toBe(0);
});

it('is asked about on other nodes when the grace time is over, and goes on for as long as somebody follows there', async () => {
  const { turn } = launch(700, 300);
  await vi.advanceTimersByTimeAsync(GRACE_MS + 700 + 299);
  expect(turn.stopped).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  expect(turn.stopped).toEqual({ reason: 'DISCONNECTED', actor: null });
});

it('goes on when a follower comes here while it is asked', async () => {
  const { turn } = launch();
  vi.advanceTimersByTime(GRACE_MS);
  const leave = turn.addFollower();
  await vi.advanceTimersByTimeAsync(GRACE_MS);
  expect(turn.stopped).toBeNull();
  leave();
  await vi.advanceTimersByTimeAsync(GRACE_MS);
  expect(turn.stopped).toMatchObject({ reason: 'DISCONNECTED' });
});
