/** Followers of turns that other nodes write: what wakes them, what they share, and how seldom the store is asked. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LogPosition } from '../../../src/event-log/event-log.ts';
import { createForeignTurns } from '../../../src/event-log/foreign-turns.ts';
import type { Look } from '../../../src/event-log/look.ts';
import type { StoredHead } from '../../../src/event-log/postgres-store.ts';
import { TURN_ID, toTokenEvents } from '../../support/events.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const POLL_MS = 100;
const SLOW_POLL_MS = 1_000;
const AT: LogPosition = { turnId: TURN_ID, epoch: 1, seq: 5 };
const never = new AbortController().signal;

/** The stored log of one turn that grows when the test says so. */
function startForeign(options: { readonly isHearing?: boolean } = {}) {
  const events = toTokenEvents(Array.from({ length: 30 }, (_, index) => `t${index}`));
  const state = { stored: 5, head: {} as Partial<StoredHead>, isGone: false, error: undefined as unknown };
  const seen = { looks: [] as number[], polls: [] as (readonly string[])[], told: [] as string[] };
  const foreign = createForeignTurns({
    pollMs: POLL_MS,
    slowPollMs: SLOW_POLL_MS,
    renewMs: 5_000,
    beyondMs: 30_000,
    isHearing: () => options.isHearing ?? true,
    tellFollowing: (turnId) => void seen.told.push(turnId),
    onRead: () => undefined,
    look: async ({ seq }): Promise<Look | undefined> => {
      seen.looks.push(seq);
      await Promise.resolve();
      if (state.error) throw state.error;
      if (state.isGone) return { step: { kind: 'expired' }, size: 0 };
      const news = events.slice(seq, state.stored);
      return news.length > 0 ? { step: { kind: 'events', events: news }, size: 100 } : undefined;
    },
    loadHeads: async (turnIds) => {
      seen.polls.push(turnIds);
      if (state.error) throw state.error;
      const head = { isRunning: true, isHeld: true, fence: 1, lastSeq: state.stored, ...state.head };
      return new Map(state.isGone ? [] : turnIds.map((turnId) => [turnId, head]));
    },
  });
  return { foreign, state, ...seen };
}

const news = (seq: number) => ({ turnId: TURN_ID, fence: 1, seq });
const seqs = (step: Awaited<ReturnType<ReturnType<typeof startForeign>['foreign']['read']>>) =>
  step?.kind === 'events' ? step.events.map((event) => event.seq) : step?.kind;

describe('who waits for a turn of another node', () => {
  it('is woken by a notification, without any look of the poll', async () => {
    const { foreign, state, polls } = startForeign();
    const reading = foreign.read(AT, never);
    await vi.advanceTimersByTimeAsync(1);
    state.stored = 8;
    foreign.hear(news(8));
    expect(seqs(await reading)).toEqual([6, 7, 8]);
    expect(polls).toEqual([]);
    foreign[Symbol.dispose]();
  });

  it('is not woken by what it has seen, nor by news of other turns', async () => {
    const { foreign, looks } = startForeign();
    const controller = new AbortController();
    const reading = foreign.read(AT, controller.signal);
    await vi.advanceTimersByTimeAsync(1);
    foreign.hear(news(5));
    foreign.hear({ ...news(9), turnId: 'another' });
    await vi.advanceTimersByTimeAsync(1);
    expect(looks).toEqual([5]);
    controller.abort();
    expect(await reading).toBeUndefined();
    foreign[Symbol.dispose]();
  });

  it('misses nothing that is heard while it looks', async () => {
    const { foreign, state, looks } = startForeign();
    foreign.hear(news(6));
    const first = foreign.read(AT, never);
    await vi.advanceTimersByTimeAsync(1);
    state.stored = 6;
    foreign.hear(news(6));
    expect(seqs(await first)).toEqual([6]);
    const second = foreign.read({ ...AT, seq: 6 }, never);
    state.stored = 7;
    foreign.hear(news(7));
    expect(seqs(await second)).toEqual([7]);
    expect(looks.length).toBeLessThanOrEqual(4);
    foreign[Symbol.dispose]();
  });

  it.each([
    ['a later event', { lastSeq: 6 }, [6]],
    ['a newer owner', { fence: 2 }, [6]],
    ['the end', { isRunning: false }, [6]],
  ])('is woken by the poll for %s, and for nothing else', async (_news, head, expected) => {
    const { foreign, state, polls, looks } = startForeign();
    const reading = foreign.read(AT, never);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(polls.length).toBeGreaterThan(1);
    expect(looks).toEqual([5]);
    state.stored = 6;
    state.head = head;
    await vi.advanceTimersByTimeAsync(SLOW_POLL_MS + POLL_MS);
    expect(seqs(await reading)).toEqual(expected);
    foreign[Symbol.dispose]();
  });

  it('ahead of what is stored waits for it, and is refused when it does not come', async () => {
    const { foreign, state } = startForeign();
    const good = foreign.read({ ...AT, seq: 7 }, never);
    const settled = vi.fn();
    const bad = foreign.read({ ...AT, seq: 999 }, never);
    void bad.then(settled);
    await vi.advanceTimersByTimeAsync(25_000);
    expect(settled).not.toHaveBeenCalled();
    state.stored = 9;
    foreign.hear(news(9));
    expect(seqs(await good)).toEqual([8, 9]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await bad).toEqual({ kind: 'beyond' });
    foreign[Symbol.dispose]();
  });

  it('waits for the successor of an owner that has let go of its turn, however long', async () => {
    const { foreign, state } = startForeign();
    state.head = { isHeld: false };
    const ahead = foreign.read({ ...AT, seq: 9 }, never);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(await Promise.race([ahead, 'waits'])).toBe('waits');
    // An owner that comes back has as long as any to store what it said.
    state.head = { isHeld: true };
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await Promise.race([ahead, 'waits'])).toBe('waits');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await ahead).toEqual({ kind: 'beyond' });
    foreign[Symbol.dispose]();
  });

  it('meets a failure of the database itself', async () => {
    const { foreign, state } = startForeign();
    const reading = expect(foreign.read(AT, never)).rejects.toThrow('away');
    await vi.advanceTimersByTimeAsync(1);
    state.error = new Error('away');
    foreign.lookAtAll();
    await reading;
    foreign[Symbol.dispose]();
  });
});

describe('the poll', () => {
  it('is slow while notifications may arrive, and fast when they cannot', async () => {
    const counts = [true, false].map(async (isHearing) => {
      const { foreign, polls } = startForeign({ isHearing });
      const controller = new AbortController();
      const reading = foreign.read(AT, controller.signal);
      await vi.advanceTimersByTimeAsync(10_000);
      controller.abort();
      await reading;
      foreign[Symbol.dispose]();
      return polls.length;
    });
    const [slow = 0, fast = 0] = await Promise.all(counts);
    expect(slow).toBeLessThan(20);
    expect(fast).toBeGreaterThan(80);
  });

  it('stays fast for a turn that is written without a notification', async () => {
    const { foreign, state, polls } = startForeign();
    let position = AT;
    for (let seq = 6; seq <= 15; seq += 1) {
      const reading = foreign.read(position, never);
      await vi.advanceTimersByTimeAsync(1);
      state.stored = seq;
      await vi.advanceTimersByTimeAsync(2 * POLL_MS);
      expect(seqs(await reading)).toEqual([seq]);
      position = { ...AT, seq };
    }
    expect(polls.length).toBeLessThan(25);
    foreign[Symbol.dispose]();
  });

  it('asks for each turn once, tells its writer again and again, and stops when nobody waits', async () => {
    const { foreign, polls, told } = startForeign();
    const controller = new AbortController();
    const waiting = [1, 2, 3].map(() => foreign.read(AT, controller.signal));
    await vi.advanceTimersByTimeAsync(2 * POLL_MS);
    expect(polls).toEqual([[TURN_ID]]);
    expect(told).toEqual([TURN_ID]);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(told).toHaveLength(3);
    controller.abort();
    await Promise.all(waiting);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([foreign.count, vi.getTimerCount()]).toEqual([0, 0]);
    foreign[Symbol.dispose]();
  });
});

describe('a hundred followers of one turn', () => {
  it('read it once: together when they stand together, from memory when they come a little later', async () => {
    const { foreign, state, looks } = startForeign();
    const readings = Array.from({ length: 100 }, () => foreign.read(AT, never));
    await vi.advanceTimersByTimeAsync(1);
    state.stored = 20;
    foreign.hear(news(20));
    const steps = await Promise.all(readings);
    expect(new Set(steps.map((step) => JSON.stringify(seqs(step)))).size).toBe(1);
    expect(looks).toEqual([5, 5]);
    for (let seq = 6; seq < 20; seq += 1) {
      expect(seqs(await foreign.read({ ...AT, seq }, never))?.[0]).toBe(seq + 1);
    }
    expect(looks).toEqual([5, 5]);
    expect(seqs(await foreign.read({ ...AT, seq: 2 }, never))?.[0]).toBe(3);
    expect(looks).toEqual([5, 5, 2]);
    foreign[Symbol.dispose]();
  });
});
