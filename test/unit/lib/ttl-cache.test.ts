import { expect, test } from 'vitest';
import { createTtlCache } from '../../../src/lib/ttl-cache.ts';

/** A cache over a counter, a clock that the test sets, and loads that fail while `failing` is set. */
function createFixture() {
  const state = { loads: 0, now: 0, failing: false };
  const cache = createTtlCache({
    load: async () => {
      state.loads += 1;
      if (state.failing) throw new Error(`load ${state.loads}`);
      return state.loads;
    },
    ttlMs: 60,
    failureTtlMs: 1,
    now: () => state.now,
  });
  return { state, cache };
}

test('a value is served until it is as old as its time, then loaded again', async () => {
  const { state, cache } = createFixture();
  expect(await cache.get()).toBe(1);
  state.now = 59;
  expect(await cache.get()).toBe(1);
  state.now = 60;
  expect(await cache.get()).toBe(2);
});

test('callers of one moment share one load', async () => {
  const { state, cache } = createFixture();
  expect(await Promise.all([cache.get(), cache.get(), cache.get()])).toEqual([1, 1, 1]);
  expect(state.loads).toBe(1);
});

test('a failure is served for its own, shorter time', async () => {
  const { state, cache } = createFixture();
  state.failing = true;
  await expect(cache.get()).rejects.toThrow('load 1');
  await expect(cache.get()).rejects.toThrow('load 1');
  state.failing = false;
  state.now = 1;
  expect(await cache.get()).toBe(2);
});

test('a load that takes longer than the time is still shared, and its time starts when it ends', async () => {
  const gate = Promise.withResolvers<string>();
  const state = { loads: 0, now: 0 };
  const load = (): Promise<string> => {
    state.loads += 1;
    return gate.promise;
  };
  const cache = createTtlCache({ load, ttlMs: 10, failureTtlMs: 1, now: () => state.now });
  const first = cache.get();
  state.now = 100;
  const second = cache.get();
  gate.resolve('value');
  expect(await Promise.all([first, second])).toEqual(['value', 'value']);
  state.now = 109;
  expect(await cache.get()).toBe('value');
  expect(state.loads).toBe(1);
});

test('each value may have a time of its own', async () => {
  const state = { loads: 0, now: 0 };
  const cache = createTtlCache({
    load: async () => {
      state.loads += 1;
      return state.loads;
    },
    ttlMs: (value) => value * 10,
    failureTtlMs: 1,
    now: () => state.now,
  });
  await cache.get();
  state.now = 10;
  expect(await cache.get()).toBe(2);
  state.now = 29;
  expect(await cache.get()).toBe(2);
  state.now = 30;
  expect(await cache.get()).toBe(3);
});
