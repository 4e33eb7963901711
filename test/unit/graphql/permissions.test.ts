/** What a viewer needs to ask: the permission is looked at before the question is. */
import { describe, expect, it } from 'vitest';
import type { Action } from '../../../src/types/action.ts';
import { createContext, errorsOf, follow, run } from '../../support/graphql.ts';

/** A viewer who may do everything but this; the engine must not be used. */
const without = (missing: Action) =>
  createContext({ services: { policy: { can: (_viewer, action) => action !== missing } } });

const toRefusal = (action: Action) => [
  { code: 'FORBIDDEN', message: expect.stringContaining(action) as string },
];

describe('the permission comes before the values of a question', () => {
  it.each<[Action, string]>([
    ['STREAMING_QUERY', 'mutation { startTurn(input: { query: "" }) { outcome } }'],
    ['STREAMING_QUERY', 'mutation { cancelTurn(input: { turnId: "" }) { outcome } }'],
    ['QUERY', 'mutation { query(input: { query: "", waitMs: -1 }) { outcome } }'],
  ])('%s: %s', async (action, source) => {
    expect(errorsOf(await run(source, without(action)))).toEqual(toRefusal(action));
  });

  it('STREAMING_QUERY: streamingQuery', async () => {
    const source = 'subscription { streamingQuery(input: { query: "", minIntervalMs: -1 }) { __typename } }';
    const result = await follow(source, without('STREAMING_QUERY'));
    expect('errors' in result && errorsOf(result)).toEqual(toRefusal('STREAMING_QUERY'));
  });
});
