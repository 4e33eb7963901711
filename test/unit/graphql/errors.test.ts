import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { findAppError, toGraphQLError } from '../../../src/graphql/errors.ts';

const located = (originalError: Error) =>
  new GraphQLError(originalError.message, { originalError, path: ['a', 0] });

describe('toGraphQLError', () => {
  it('keeps message, code and details of an AppError, wherever in the chain it is', () => {
    const error = new AppError('QUOTA_EXCEEDED', 'The quota has been exceeded', {
      cause: new Error('secret'),
      details: { explanation: 'Cluster has no available tokens', resetAt: new Date(0) },
    });
    for (const thrown of [
      error,
      located(error),
      located(located(error)),
      new Error('outer', { cause: error }),
    ]) {
      expect(toGraphQLError(thrown, 'r1')).toMatchObject({
        message: 'The quota has been exceeded',
        extensions: {
          code: 'QUOTA_EXCEEDED',
          cause: 'Cluster has no available tokens',
          retryable: false,
          requestId: 'r1',
          resetAt: '1970-01-01T00:00:00.000Z',
        },
      });
    }
  });

  it('keeps where the error happened, and nothing else of what was thrown', () => {
    const coded = toGraphQLError(located(new AppError('NOT_FOUND', 'Turn not found')), 'r1');
    expect(coded.path).toEqual(['a', 0]);
    expect(coded.originalError).toBeUndefined();
    expect(coded.cause).toBeUndefined();
  });

  it('tells at most five minutes of retryAfterMs', () => {
    const error = new AppError('RATE_LIMITED', 'Slow down', { details: { retryAfterMs: 3_600_000 } });
    expect(toGraphQLError(error, 'r1').extensions).toMatchObject({ retryable: true, retryAfterMs: 300_000 });
  });

  it.each([
    ['an error', new TypeError('secret')],
    ['a located error', located(new TypeError('secret'))],
    ['a string', 'secret'],
    ['nothing', undefined],
    [
      'an error with a code of its own',
      Object.assign(new Error('secret'), { extensions: { code: 'NOT_FOUND' } }),
    ],
    [
      'a located error whose original has a code of its own',
      located(Object.assign(new Error('secret'), { extensions: { code: 'NOT_FOUND', secret: 'secret' } })),
    ],
    ['a GraphQL error of a resolver without a code', located(new GraphQLError('secret'))],
    [
      'a GraphQL error with an unknown code',
      located(new GraphQLError('secret', { extensions: { code: 'toString' } })),
    ],
    ['an error that only has a cause', new GraphQLError('secret', { cause: new Error('secret') })],
  ])('masks %s', (_name, thrown) => {
    const coded = toGraphQLError(thrown, 'r1');
    expect(coded.message).toBe('Internal server error');
    expect(coded.extensions).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      cause: null,
      retryable: false,
      requestId: 'r1',
    });
  });

  it.each([
    [403, 'CSRF_HEADER_REQUIRED'],
    [405, 'METHOD_NOT_ALLOWED'],
    [413, 'PAYLOAD_TOO_LARGE'],
    [415, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('tells the refusals of the HTTP layer apart by their status: %i is %s', (status, code) => {
    const refusal = new GraphQLError('No', { extensions: { code: 'BAD_REQUEST', http: { status } } });
    expect(toGraphQLError(refusal, 'r1').extensions).toEqual({
      code,
      cause: null,
      retryable: false,
      requestId: 'r1',
    });
  });

  it('keeps a known code that the GraphQL layer gave', () => {
    const refusal = new GraphQLError('Too deep', {
      extensions: { code: 'OPERATION_TOO_COMPLEX', http: { status: 400 } },
    });
    expect(toGraphQLError(refusal, 'r1')).toMatchObject({
      message: 'Too deep',
      extensions: { code: 'OPERATION_TOO_COMPLEX' },
    });
  });

  it('takes an error about values for the caller’s', () => {
    expect(toGraphQLError(new GraphQLError('Variable "$n" got invalid value'), 'r1').extensions.code).toBe(
      'BAD_USER_INPUT',
    );
    const late = located(new GraphQLError('Argument "Query.f(n:)" has invalid value'));
    expect(toGraphQLError(late, 'r1').extensions.code).toBe('BAD_USER_INPUT');
  });
});

describe('findAppError', () => {
  it('is undefined when there is none', () => {
    expect(findAppError(located(new Error('x')))).toBeUndefined();
    expect(findAppError('x')).toBeUndefined();
  });
});
