import { describe, expect, it } from 'vitest';
import { toUsage } from '../../../src/turns/upstream-usage.ts';
import type { JsonObject } from '../../../src/types/json.ts';

describe('usage', () => {
  it.each<[unknown, object]>([
    [
      { input_tokens: 3, output_tokens: 4 },
      { inputTokens: 3, outputTokens: 4, source: 'REPORTED' },
    ],
    [
      { prompt_tokens: 3, completion_tokens: 4 },
      { inputTokens: 3, outputTokens: 4, source: 'REPORTED' },
    ],
    [
      { input_tokens: 0, output_tokens: 0 },
      { inputTokens: 0, outputTokens: 0, source: 'REPORTED' },
    ],
    [{ input_tokens: 3 }, { inputTokens: 0, outputTokens: 0, source: 'NONE' }],
    [
      { input_tokens: 3, output_tokens: -1 },
      { inputTokens: 0, outputTokens: 0, source: 'NONE' },
    ],
    [
      { input_tokens: null, output_tokens: 4 },
      { inputTokens: 0, outputTokens: 0, source: 'NONE' },
    ],
    [
      { input_tokens: 1e15, output_tokens: 1.5 },
      { inputTokens: 0, outputTokens: 0, source: 'NONE' },
    ],
    [{ input_tokens: '3' }, { inputTokens: 0, outputTokens: 0, source: 'NONE' }],
    [{ total_tokens: 7 }, { inputTokens: 0, outputTokens: 0, source: 'NONE' }],
    [null, { inputTokens: 0, outputTokens: 0, source: 'NONE' }],
    [undefined, { inputTokens: 0, outputTokens: 0, source: 'NONE' }],
  ])('%j', (usage, expected) => {
    expect(toUsage({ usage } as JsonObject)).toEqual(expected);
  });

  it('is NONE without a response', () => {
    expect(toUsage(undefined)).toMatchObject({ source: 'NONE' });
  });
});
