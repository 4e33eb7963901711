/** What is blotted out of a question. */
import { describe, expect, it } from 'vitest';
import { redact } from '../../../src/transcripts/redact.ts';

describe('redact', () => {
  it('leaves a text alone without redactions', () => {
    expect(redact('my key is abc', [])).toBe('my key is abc');
  });

  it('replaces every match, one redaction after the other', () => {
    const redactions = [
      { pattern: String.raw`\S+@(\S+)`, replacement: '[someone at $1]' },
      { pattern: 'someone', replacement: 'X' },
    ];
    expect(redact('ask ada@a.test or eve@b.test', redactions)).toBe('ask [X at a.test] or [X at b.test]');
  });

  it('gives up on a pattern that takes too long instead of letting the text through', () => {
    const startedAt = performance.now();
    const redactions = [{ pattern: '(a+)+$', replacement: 'x' }];
    expect(() => redact(`${'a'.repeat(60)}!`, redactions)).toThrow(
      /^A question could not be redacted: .*200 ms/,
    );
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('searches no text that is longer than any question', () => {
    const redactions = [{ pattern: 'b', replacement: 'x' }];
    expect(redact('a'.repeat(65_536), redactions)).toHaveLength(65_536);
    expect(() => redact('a'.repeat(65_537), redactions)).toThrow('the text is too long');
  });
});
