import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/types/json.ts';
import {
  completed,
  created,
  delta,
  incomplete,
  message,
  plainAnswer,
  textThenRefusal,
} from '../support/streams.ts';
import { joinTokens, translateTurn } from '../support/translated.ts';

/** What the service before this one lost or made up on the way from the backend to the client. */
describe('translation of a response', () => {
  it('keeps every part of an answer of several parts', () => {
    const { summary } = translateTurn([
      delta('a'),
      delta('b', { output: 1 }),
      completed([message('a'), message('b')]),
    ]);
    expect(summary.answer).toBe('a\n\nb');
  });

  it('shows a refusal, in tokens and in the answer', () => {
    const { bodies, summary } = translateTurn(textThenRefusal);
    expect(joinTokens(bodies)).toBe('First\n\nI must stop.');
    expect(summary.answer).toBe('First\n\nI must stop.');
  });

  it('ends a response that ran into its token limit with its text, not with an error', () => {
    const { state, summary } = translateTurn([created, delta('Half'), incomplete('max_output_tokens')]);
    expect(state.outcome).toEqual({ kind: 'finished', finishReason: 'MAX_OUTPUT_TOKENS', truncated: true });
    expect(summary.answer).toBe('Half');
  });

  it.each([null, {}, { input_tokens: null }])('invents no usage where the backend reports %j', (usage) => {
    const { summary } = translateTurn([delta('a'), completed([message('a')], usage)]);
    expect(summary.usage).toEqual({ inputTokens: 0, outputTokens: 0, source: 'NONE' });
  });

  it('makes no token of a heartbeat', () => {
    const heartbeats: readonly JsonObject[] = [
      { type: 'keepalive' },
      { type: 'ping' },
      { type: 'heartbeat', delta: '.' },
    ];
    const noisy = plainAnswer.flatMap((event) => [...heartbeats, event]);
    expect(translateTurn(noisy).bodies).toEqual(translateTurn(plainAnswer).bodies);
  });
});
