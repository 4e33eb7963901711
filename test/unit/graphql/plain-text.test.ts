/** The rendering of events as text. */
import { describe, expect, it } from 'vitest';
import { toPlainText } from '../../../src/graphql/plain-text.ts';
import { EVERY_EVENT, toEvent } from '../../support/turn-events.ts';

describe('toPlainText', () => {
  it('shows tokens as they are, a line per tool call and result, and what went wrong', () => {
    expect(Object.fromEntries(EVERY_EVENT.map((event) => [event.type, toPlainText(event)]))).toEqual({
      start: '',
      token: 'Blue',
      reasoning: '',
      tool_call: '[Tool Call: search]\n',
      tool_result: '[Tool Result]\n',
      warning: '[Warning: Two turns were left out]\n',
      reset: '',
      turn_complete: '',
      end: '\n\n---\n\nOptics: https://example.org/optics\n',
      error: '\n[Error: The quota has been exceeded]\n',
      interrupted: '\n[Interrupted: CANCELLED]\n',
    });
  });

  it.each([
    [[], ''],
    [[{ title: 'Optics', url: null }], '\n\n---\n\nOptics\n'],
    [[{ title: null, url: 'https://example.org/' }], '\n\n---\n\nhttps://example.org/\n'],
    [
      [
        { title: 'A', url: 'https://a.example/' },
        { title: 'B', url: null },
      ],
      '\n\n---\n\nA: https://a.example/\nB\n',
    ],
  ])('ends an answer with a rule and its documents: %j', (referencedDocuments, text) => {
    const usage = { inputTokens: 0, outputTokens: 0, source: 'NONE' } as const;
    const end = { ragChunkCount: 0, truncated: false, finishReason: 'STOP', usage } as const;
    expect(toPlainText(toEvent(1, { type: 'end', referencedDocuments, ...end }))).toBe(text);
  });
});
