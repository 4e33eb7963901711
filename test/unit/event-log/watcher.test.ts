/** Waiting for turns of other nodes: one look an interval for everybody, nobody is left waiting, and nobody looks for nobody. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createWatcher, type StoredHead } from '../../../src/event-log/watcher.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const POLL_MS = 100;
const HEAD: StoredHead = { isRunning: true, fence: 1, lastSeq: 5 };
const AT = { turnId: 't', epoch: 1, seq: 5 };

function startWatcher(head: StoredHead | undefined) {
  const looks: (readonly string[])[] = [];
  const state = { head };
  const watcher = createWatcher({
    pollMs: POLL_MS,
    loadHeads: async (turnIds) => {
      looks.push(turnIds);
      return new Map(state.head ? turnIds.map((turnId) => [turnId, state.head as StoredHead]) : []);
    },
  });
  return { watcher, looks, state };
}

it.each([
  ['a later event', { ...HEAD, lastSeq: 6 }],
  ['a newer owner', { ...HEAD, fence: 2 }],
  ['the end', { ...HEAD, isRunning: false }],
  ['a turn that is gone', undefined],
])('wakes for %s, and for nothing else', async (_news, head) => {
  const { watcher, looks, state } = startWatcher(HEAD);
  const woken = vi.fn();
  const waiting = watcher.wait(AT, new AbortController().signal).then(woken);
  await vi.advanceTimersByTimeAsync(3 * POLL_MS);
  expect([looks.length, woken.mock.calls.length]).toEqual([3, 0]);
  state.head = head;
  await vi.advanceTimersByTimeAsync(POLL_MS);
  await waiting;
  expect(woken).toHaveBeenCalledOnce();
});

it('asks for each turn once, and stops to look when the last one has left', async () => {
  const { watcher, looks } = startWatcher(HEAD);
  const controller = new AbortController();
  const waiting = [1, 2, 3].map(() => watcher.wait(AT, controller.signal));
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(looks).toEqual([['t']]);
  controller.abort();
  await Promise.all(waiting);
  await vi.advanceTimersByTimeAsync(2 * POLL_MS);
  expect([looks.length, vi.getTimerCount()]).toEqual([1, 0]);
});

it('a look that fails wakes everybody, and the next wait looks again', async () => {
  const loadHeads = vi.fn(async () => Promise.reject(new Error('away')));
  const watcher = createWatcher({ pollMs: POLL_MS, loadHeads });
  const { signal } = new AbortController();
  const first = watcher.wait(AT, signal);
  await vi.advanceTimersByTimeAsync(POLL_MS);
  await first;
  const second = watcher.wait(AT, signal);
  await vi.advanceTimersByTimeAsync(2 * POLL_MS);
  await second;
  expect(loadHeads).toHaveBeenCalledTimes(2);
});
