import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_EXPLANATION, toUpstreamFailure } from '../../../src/backend/failures.ts';

const GENERIC = 'The backend could not answer';

test.each([
  [{ code: 'server_error', message: 'Boom' }, 'BACKEND_ERROR', 'Boom'],
  [
    { code: 'insufficient_quota', message: 'You exceeded your current quota' },
    'BACKEND_ERROR',
    'You exceeded your current quota',
  ],
  [{ code: 'context_length_exceeded', message: 'Too big' }, 'PROMPT_TOO_LONG', 'Too big'],
  [
    { message: 'Your input exceeds the context window of this model.' },
    'PROMPT_TOO_LONG',
    'Your input exceeds the context window of this model.',
  ],
  [
    { type: 'BadRequestError', code: 400, message: "This model's maximum context length is 8192 tokens" },
    'PROMPT_TOO_LONG',
    "This model's maximum context length is 8192 tokens",
  ],
  [{ code: 'rate_limit_exceeded', message: 'Slow down' }, 'RATE_LIMITED', 'Slow down'],
  [{ code: 429, message: 'Slow down' }, 'RATE_LIMITED', 'Slow down'],
  [{ code: '503', message: 'Busy' }, 'BACKEND_UNAVAILABLE', 'Busy'],
  [{ message: '500: Internal server error' }, 'BACKEND_ERROR', '500: Internal server error'],
  [{ detail: [{ msg: 'x' }] }, 'BACKEND_ERROR', '[{"msg":"x"}]'],
  ['Just words', 'BACKEND_ERROR', 'Just words'],
  [{}, 'BACKEND_ERROR', null],
  [{ message: '' }, 'BACKEND_ERROR', null],
  [null, 'BACKEND_ERROR', null],
  [undefined, 'BACKEND_ERROR', null],
] as const)('%j is %s', (error, code, explanation) => {
  expect(toUpstreamFailure(error)).toMatchObject({ code, explanation });
});

test.each([
  ['an untyped frame', { error: { code: 'rate_limit_exceeded', message: 'x' } }],
  [
    'an error event around an object',
    { type: 'error', error: { code: 'rate_limit_exceeded', message: 'x' } },
  ],
  [
    'an error event that is the error',
    { type: 'error', code: 'rate_limit_exceeded', message: 'x', param: null },
  ],
  [
    'response.failed',
    { type: 'response.failed', response: { error: { code: 'rate_limit_exceeded', message: 'x' } } },
  ],
])('the error is found in %s', (_name, event) => {
  expect(toUpstreamFailure(event)).toMatchObject({ code: 'RATE_LIMITED', explanation: 'x' });
});

test('the message is our own sentence, the explanation is the backend’s', () => {
  expect(toUpstreamFailure({ message: 'Boom' })).toEqual({
    code: 'BACKEND_ERROR',
    message: GENERIC,
    explanation: 'Boom',
  });
  expect(toUpstreamFailure({ code: 'context_length_exceeded' }).message).toBe('Prompt is too long');
});

test.each([
  ['Please try again in 20s.', 20_000],
  ['Please try again in 1.25s. Visit', 1_250],
  ['Please try again in 6ms.', 6],
  ['Please try again in 1m2.5s.', 62_500],
  ['Please try again in 2m.', 120_000],
  ['Please try again in 90m.', 300_000],
  ['Please try again in a while.', undefined],
])('the wait is read from the text of a rate limit: %s', (message, retryAfterMs) => {
  expect(toUpstreamFailure({ code: 'rate_limit_exceeded', message }).retryAfterMs).toBe(retryAfterMs);
});

test.each([
  ['Incorrect API key provided: sk-proj-abc***xyz.', /abc|xyz/],
  ['Authorization: Bearer abcdef123456 was refused', /abcdef/],
  ['the assertion eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl is over', /eyJ|c2ln/],
  ['api_key=abcdef123456', /abcdef/],
  ['{"api_key": "abcdef123456"}', /abcdef/],
  ['could not reach http://user:abcdef@10.0.0.1/v1', /abcdef/],
])('what looks like a credential is removed: %s', (message, secret) => {
  const { explanation } = toUpstreamFailure({ message });
  expect(explanation).toContain('[removed]');
  expect(explanation).not.toMatch(secret);
});

test('any value has a failure with a well-formed explanation of at most 2,000 characters', () => {
  fc.assert(
    fc.property(fc.anything(), fc.string({ unit: 'grapheme', maxLength: 5_000 }), (value, message) => {
      expect(toUpstreamFailure(value).message).not.toBe('');
      const explanation = toUpstreamFailure({ message }).explanation ?? '';
      expect(explanation.length).toBeLessThanOrEqual(MAX_EXPLANATION);
      expect(explanation.isWellFormed()).toBe(true);
    }),
  );
});

test('a secret at the place where a long text is cut is not told by half', () => {
  const long = `${'sk-abcdefgh '.repeat(650)}${'x '.repeat(98)}Bearer ${'s'.repeat(9_000)}`;
  const { explanation } = toUpstreamFailure({ message: long });
  expect(explanation).not.toContain('ss');
  expect(explanation).not.toContain('abcdefgh');
});
