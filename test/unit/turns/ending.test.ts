/** What the end of a turn says: the same of a failure as a refusal before the first event. */
import { describe, expect, it } from 'vitest';
import { AppError, type AppErrorDetails } from '../../../src/errors.ts';
import { toGraphQLError } from '../../../src/graphql/errors.ts';
import { toTurnFailure } from '../../../src/turns/ending.ts';

describe('the failure of a turn', () => {
  it.each<[string, AppErrorDetails]>([
    ['nothing else', {}],
    ['an explanation', { explanation: 'The model is overloaded' }],
    ['a time to wait', { retryAfterMs: 2_000 }],
    ['a time to wait that is too long to tell', { retryAfterMs: 3_600_000 }],
    ['a moment', { resetAt: new Date(0) }],
  ])('has the fields of a refusal, with the same values: %s', (_what, details) => {
    const error = new AppError('RATE_LIMITED', 'Slow down', { details });
    const { message, extensions } = toGraphQLError(error, 'r1');
    expect(toTurnFailure(error, 'r1')).toEqual({
      message,
      retryAfterMs: null,
      resetAt: null,
      ...extensions,
    });
  });

  it('tells at most five minutes of retryAfterMs', () => {
    const error = new AppError('RATE_LIMITED', 'Slow down', { details: { retryAfterMs: 3_600_000 } });
    expect(toTurnFailure(error, 'r1').retryAfterMs).toBe(300_000);
  });
});
