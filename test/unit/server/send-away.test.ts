import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chooseTimes, sendAway } from '../../../src/server/send-away.ts';

const signal = new AbortController().signal;

it('each client has an equal part of the window to itself, whatever chance says', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (count, windowMs, chance) => {
        const share = Math.min(windowMs / count, 100);
        const times = chooseTimes(count, windowMs, () => chance);
        return (
          times.length === count &&
          times.every((time, index) => time >= index * share && time < (index + 1) * share)
        );
      },
    ),
  );
});

it('few clients are sent off sooner than the window allows', () => {
  expect(chooseTimes(1, 10_000, () => 0.5)).toEqual([50]);
  expect(chooseTimes(3, 10_000, () => 0.5)).toEqual([50, 150, 250]);
});

it('nobody waits when there is no client', async () => {
  const startedAt = performance.now();
  await sendAway([], { windowMs: 60_000, signal });
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

it('all are sent off at once when nobody can wait any longer', async () => {
  const closing = new AbortController();
  const told: number[] = [];
  const clients = Array.from({ length: 50 }, (_, index) => () => void told.push(index));
  const sending = sendAway(clients, { windowMs: 2 ** 30, signal: closing.signal });
  closing.abort();
  await sending;
  expect(told).toHaveLength(50);
});
