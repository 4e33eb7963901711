import { expect, it } from 'vitest';
import { createRate } from '../../../src/server/rate.ts';

it('says by how much and for how long it is too much, for each key alone', async () => {
  const rate = createRate({ count: 2, seconds: 60 });
  expect(await rate.count('ada')).toBeUndefined();
  expect(await rate.count('ada')).toBeUndefined();
  const excess = await rate.count('ada', 3);
  expect(excess?.times).toBe(2.5);
  expect(excess?.retryAfterMs).toBeGreaterThan(0);
  expect(excess?.retryAfterMs).toBeLessThanOrEqual(60_000);
  expect(await rate.count('bob')).toBeUndefined();
});

it('answers in the order of the calls, whatever the answers are', async () => {
  const rate = createRate({ count: 1, seconds: 60 });
  const order: number[] = [];
  const calls = Array.from({ length: 4 }, async (_, index) => {
    await rate.count(index % 2 === 0 ? 'ada' : 'bob');
    order.push(index);
  });
  await Promise.all(calls);
  expect(order).toEqual([0, 1, 2, 3]);
});
