import { describe, expect, it } from 'vitest';
import { negotiateSingle, negotiateStream } from '../../../src/server/accept.ts';

const APOLLO =
  'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9';
const URQL =
  'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed';

describe('a query or mutation', () => {
  it.each([
    [null, 'application/json'],
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['application/json', 'application/json'],
    ['APPLICATION/JSON; charset=UTF-8', 'application/json'],
    ['application/graphql-response+json, application/json', 'application/graphql-response+json'],
    ['application/graphql-response+json;q=0.5, application/json', 'application/json'],
    ['application/json;q=0, */*', undefined],
    ['application/json;q=nonsense', undefined],
    ['application/json; charset=iso-8859-1', undefined],
    ['text/html', undefined],
    ['text/event-stream', 'text/event-stream'],
    ['text/event-stream, application/json', 'application/json'],
    [APOLLO, 'application/graphql-response+json'],
    [URQL, 'application/graphql-response+json'],
  ])('with Accept %s is answered as %s', (accept, type) => {
    expect(negotiateSingle(accept)).toBe(type);
  });
});

describe('a subscription', () => {
  it.each([
    [null, 'text/event-stream'],
    ['*/*', 'text/event-stream'],
    ['text/event-stream', 'text/event-stream'],
    [APOLLO, 'multipart/mixed'],
    ['multipart/mixed; subscriptionSpec="1.0", application/json', 'multipart/mixed'],
    [URQL, 'text/event-stream'],
    ['text/event-stream;q=0.1, multipart/mixed;subscriptionSpec=1.0', 'multipart/mixed'],
    ['multipart/mixed', undefined],
    ['multipart/mixed;subscriptionSpec=2.0', undefined],
    ['application/json', undefined],
  ])('with Accept %s is answered as %s', (accept, type) => {
    expect(negotiateStream(accept)).toBe(type);
  });
});
