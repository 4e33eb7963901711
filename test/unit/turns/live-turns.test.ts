/** Followers of a turn on this node: the last one to leave starts the grace time, unless the turn has ended. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TurnWriter } from '../../../src/event-log/event-log.ts';
import { createLiveTurns } from '../../../src/turns/live-turns.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const GRACE_MS = 1_000;

function launch() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const turn = createLiveTurns().launch(
    {
      id: 't',
      conversationId: 'c',
      disconnectGraceMs: GRACE_MS,
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
