/** When the events of a node are stored: all together at their pace, and sooner where somebody waits for them. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EventBatch } from '../../../src/event-log/event-log.ts';
import { createFlusher } from '../../../src/event-log/flusher.ts';
import { createPendingEvents } from '../../../src/event-log/pending-events.ts';
import { createLog } from '../../../src/log.ts';
import { toTokenEvents } from '../../support/events.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function startFlusher() {
  const state = { urgent: new Set<string>(), error: undefined as unknown };
  const writes: { readonly at: number; readonly turns: readonly string[] }[] = [];
  const told: string[][] = [];
  const beganAt = performance.now();
  const flusher = createFlusher({
    flushMs: 250,
    urgentMs: 50,
    isUrgent: (turnId) => state.urgent.has(turnId),
    log: createLog('silent'),
    write: async (batches: readonly EventBatch[]) => {
      const turns = batches.map(({ turnId }) => turnId);
      writes.push({ at: Math.round(performance.now() - beganAt), turns });
      if (state.error) throw state.error;
      return new Set(turns.filter((turnId) => turnId !== 'lost'));
    },
    onStored: (batches) => void told.push(batches.map(({ turnId }) => turnId)),
  });
  const addTurn = (turnId: string) => {
    const lease = { turnId, fence: 1 };
    const pending = createPendingEvents(lease, 0);
    flusher.add({
      lease,
      storedSeq: 0,
      pendingCount: 0,
      take: pending.take,
      settle: (outcome) => pending.settle(outcome === 'stored'),
    });
    return () => {
      pending.add(toTokenEvents([]));
      flusher.schedule(turnId);
    };
  };
  return { flusher, state, writes, told, addTurn };
}

it('stores all turns in one write per interval', async () => {
  const { writes, told, addTurn } = startFlusher();
  const [a, b] = [addTurn('a'), addTurn('b')];
  a();
  await vi.advanceTimersByTimeAsync(100);
  b();
  a();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(writes).toEqual([{ at: 250, turns: ['a', 'b'] }]);
  expect(told).toEqual([['a', 'b']]);
});

it('stores a turn that is followed elsewhere within 50 ms, and does not take the others along', async () => {
  const { state, writes, addTurn } = startFlusher();
  const [a, b] = [addTurn('a'), addTurn('b')];
  b();
  a();
  state.urgent.add('a');
  a();
  await vi.advanceTimersByTimeAsync(60);
  a();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(writes).toEqual([
    { at: 50, turns: ['a'] },
    { at: 110, turns: ['a'] },
    { at: 250, turns: ['b'] },
  ]);
});

it('tries again after a failure, later, urgent or not, with all that came meanwhile', async () => {
  const { state, writes, told, addTurn } = startFlusher();
  const a = addTurn('a');
  state.urgent.add('a');
  state.error = new Error('away');
  a();
  await vi.advanceTimersByTimeAsync(60);
  a();
  state.error = undefined;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(writes.map(({ at }) => at)).toEqual([50, 1_050, 1_300]);
  expect(told).toEqual([['a'], ['a']]);
});

it('tells only of what is stored', async () => {
  const { told, addTurn } = startFlusher();
  addTurn('lost')();
  addTurn('a')();
  await vi.advanceTimersByTimeAsync(300);
  expect(told).toEqual([['a']]);
});

it('leaves no timer behind', async () => {
  const { flusher, addTurn } = startFlusher();
  addTurn('a')();
  await flusher[Symbol.asyncDispose]();
  expect(vi.getTimerCount()).toBe(0);
});
