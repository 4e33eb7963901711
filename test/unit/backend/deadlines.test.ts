import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDeadlines } from '../../../src/backend/deadlines.ts';

const limits = { firstEventTimeoutMs: 100, idleTimeoutMs: 50, turnTimeoutMs: 1_000 };
const never = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('until the first event, bytes without one do not count as life', () => {
  const deadlines = createDeadlines(limits, never);
  vi.advanceTimersByTime(90);
  deadlines.wait();
  deadlines.arrive(0);
  deadlines.wait();
  vi.advanceTimersByTime(10);
  expect(deadlines.expired?.code).toBe('BACKEND_TIMEOUT');
  expect(deadlines.signal.aborted).toBe(true);
});

test('after the first event any bytes count as life', () => {
  const deadlines = createDeadlines(limits, never);
  deadlines.wait();
  deadlines.arrive(1);
  for (let reads = 0; reads < 10; reads += 1) {
    deadlines.wait();
    vi.advanceTimersByTime(49);
    deadlines.arrive(0);
  }
  expect(deadlines.expired).toBeUndefined();
  deadlines.wait();
  vi.advanceTimersByTime(50);
  expect(deadlines.expired?.code).toBe('BACKEND_TIMEOUT');
});

test('the time that a reader takes for itself is no silence of the backend', () => {
  const deadlines = createDeadlines(limits, never);
  deadlines.wait();
  deadlines.arrive(1);
  vi.advanceTimersByTime(500);
  deadlines.wait();
  vi.advanceTimersByTime(49);
  expect(deadlines.expired).toBeUndefined();
  vi.advanceTimersByTime(1);
  expect(deadlines.expired?.code).toBe('BACKEND_TIMEOUT');
});

test('the whole has its own limit, whatever arrives', () => {
  const deadlines = createDeadlines(limits, never);
  for (let at = 0; at < 1_000; at += 10) {
    expect(deadlines.expired).toBeUndefined();
    deadlines.wait();
    deadlines.arrive(1);
    vi.advanceTimersByTime(10);
  }
  expect(deadlines.expired?.code).toBe('BACKEND_TIMEOUT');
});

test('an abort of the caller is no timeout, and stopping leaves no timer behind', () => {
  const caller = new AbortController();
  const deadlines = createDeadlines(limits, caller.signal);
  caller.abort();
  expect(deadlines.signal.aborted).toBe(true);
  expect(deadlines.expired).toBeUndefined();
  deadlines.stop();
  expect(vi.getTimerCount()).toBe(0);
});
