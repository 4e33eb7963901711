import { beforeAll, describe, expect, it } from 'vitest';
import { type CountTokens, countByLength, loadTokenizer } from '../../../src/lib/count-tokens.ts';

let count: CountTokens;
beforeAll(async () => {
  count = await loadTokenizer();
});

describe('the tokenizer', () => {
  it.each([
    ['', 0],
    ['Hello, world!', 4],
    ['<|endoftext|>', 7],
  ])('counts %j', (text, tokens) => {
    expect(count(text)).toBe(tokens);
  });

  it.each([
    ['words', 'The quick brown fox jumps over the lazy dog. '],
    ['one letter', 'a'],
    ['rare signs', '龘𠜎'],
    ['spaces', ' '],
  ])('is near the truth for a long text, and soon done: %s', (_what, piece) => {
    const text = piece.repeat(1_000_000 / piece.length);
    const startedAt = performance.now();
    const tokens = count(text);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    const perPart = count(text.slice(0, 16_000)) / 16_000;
    expect(tokens / text.length / perPart).toBeCloseTo(1, 1);
  });
});

it('without a tokenizer the bytes are counted', () => {
  expect(countByLength('Hello, world! Ä')).toBe(4);
});
