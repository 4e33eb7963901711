/** Who may ask for the schema: in development everyone, in production those who have proved who they are. */
import { describe, expect, it } from 'vitest';
import { SENDERS, type SenderName } from '../../support/attack-senders.ts';
import { startTransportServer } from '../../support/transport-server.ts';

const names = Object.keys(SENDERS) as readonly SenderName[];
const QUERIES = [
  '{ __schema { queryType { name } } }',
  '{ __type(name: "Query") { name } }',
  '{ ...F } fragment F on Query { a: __schema { types { name } } }',
];

describe.each(['noop', 'noop-with-token'] as const)('in production with the module %s', (module) => {
  it.each(names)('nobody sees the schema over %s', async (name) => {
    await using server = await startTransportServer({ config: { authentication: { module } } });
    const target = { graphql: server.endpoint, ws: server.socketUrl };
    for (const query of QUERIES) {
      const { codes, text } = await SENDERS[name](target, { query });
      expect(new Set(codes)).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
      expect(text).not.toContain('"data"');
    }
    expect((await SENDERS[name](target, { query: '{ __typename hello }' })).codes).toEqual([]);
  });
});

describe.each([
  ['production with a module that proves it', 'production', 'api-key-token'],
  ['development', 'development', 'noop'],
] as const)('in %s', (_where, mode, module) => {
  it.each(names)('viewers see it over %s', async (name) => {
    await using server = await startTransportServer({ mode, config: { authentication: { module } } });
    const { codes, text } = await SENDERS[name](
      { graphql: server.endpoint, ws: server.socketUrl },
      { query: '{ __type(name: "Query") { fields { name } } }' },
    );
    expect(codes).toEqual([]);
    expect(text).toContain('hello');
  });
});
