import { describe, expect, it } from 'vitest';
import { toTopicSummary } from '../../../src/conversations/topic-summary.ts';

describe('a topic summary', () => {
  it.each([
    ['The colour of the sky', 'The colour of the sky'],
    ['Why is the sky blue and the grass green?', 'Why is the sky blue'],
    ['  "Blue skies."\n', 'Blue skies'],
    ['“Rayleigh scattering”.', 'Rayleigh scattering'],
    ['**Optics**', 'Optics'],
    ['Light,\n\nand\tcolour, in the', 'Light, and colour, in the'],
    ['One two three four five, six', 'One two three four five'],
    ['空はなぜ青いのですか？', '空はなぜ青いのですか'],
    ["What's new in C#", "What's new in C#"],
    ['a\0b \ud800', 'a\ufffdb \ufffd'],
    ['  "..." ', ''],
    ['', ''],
  ])('of %j is %j', (text, summary) => {
    expect(toTopicSummary(text)).toBe(summary);
  });

  it('has at most 1,000 characters and no half of one', () => {
    const summary = toTopicSummary('😀'.repeat(2_000));
    expect([...summary]).toHaveLength(1_000);
    expect(summary.isWellFormed()).toBe(true);
  });
});
