/** A process that stood still notices it, once, and goes on watching. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchPauses } from '../../../src/lib/pauses.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A clock of its own that can jump while no timer runs. */
function watch() {
  let jumpedMs = 0;
  const pauses: number[] = [];
  const watching = watchPauses({
    longestMs: 1_000,
    now: () => performance.now() + jumpedMs,
    onPause: (ms) => pauses.push(ms),
  });
  const jump = (ms: number): void => {
    jumpedMs += ms;
  };
  return { pauses, jump, watching };
}

it('tells a pause once, with its length', () => {
  const { pauses, jump, watching } = watch();
  vi.advanceTimersByTime(5_000);
  expect(pauses).toEqual([]);
  jump(30_000);
  vi.advanceTimersByTime(5_000);
  expect(pauses).toEqual([30_250]);
  jump(700);
  vi.advanceTimersByTime(5_000);
  expect(pauses).toHaveLength(1);
  watching[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
});
