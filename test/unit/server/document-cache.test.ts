/** The caches of parsed documents stay small, however many different ones are sent. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { GraphQLError, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createDocumentCache, createErrorCache } from '../../../src/server/document-cache.ts';

const MEBIBYTE = 1024 * 1024;
const TOKENS = 2_000;

function readHeap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('the cache of documents', () => {
  it('takes 32 MiB at most, whatever is parsed', () => {
    const cache = createDocumentCache();
    const before = readHeap();
    for (let index = 0; index < 300; index += 1) {
      const text = `{ b${index} ${'a '.repeat(TOKENS - 5)} }`;
      cache.set(text, parse(text, { maxTokens: TOKENS }));
    }
    expect(cache.size).toBeGreaterThan(10);
    expect(readHeap() - before).toBeLessThan(40 * MEBIBYTE);
    expect(cache.calculatedSize).toBeLessThanOrEqual(32 * MEBIBYTE);
  });

  it('keeps a thousand small ones', () => {
    const cache = createDocumentCache();
    for (let index = 0; index < 3_000; index += 1) cache.set(`{ a${index} }`, parse(`{ a${index} }`));
    expect(cache.size).toBe(1_000);
  });
});

it('the cache of refusals keeps a thousand, and few large ones', () => {
  const cache = createErrorCache();
  for (let index = 0; index < 3_000; index += 1) cache.set(`{ a${index}`, new GraphQLError('x'));
  expect(cache.size).toBe(1_000);
  for (let index = 0; index < 100; index += 1)
    cache.set(`${index}${'x'.repeat(MEBIBYTE)}`, new GraphQLError('x'));
  expect(cache.size).toBeLessThan(16);
});
