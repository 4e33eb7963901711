/** The limits of documents hold on every transport alike, and concern one operation only. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTransportServer, type TransportServer } from '../../support/transport-server.ts';
import { connectSocket, TRANSPORTS } from '../../support/transports.ts';

let server: TransportServer;
beforeAll(async () => {
  // Introspection is for those who have proved who they are.
  server = await startTransportServer({ config: { authentication: { module: 'api-key-token' } } });
});
afterAll(() => server[Symbol.asyncDispose]());

const aliases = Array.from({ length: 16 }, (_, index) => `a${index}: hello`).join(' ');
const directives = '@include(if: true) '.repeat(21);
const introspection = `{ __schema ${'{ types { fields { type '.repeat(4)}{ name }${' } } }'.repeat(4)} }`;

describe.each(TRANSPORTS)('%s', (_name, run) => {
  it.each([
    ['too many aliases', `query { ${aliases} }`, 'OPERATION_TOO_COMPLEX'],
    ['too many directives', `query { hello ${directives} }`, 'OPERATION_TOO_COMPLEX'],
    [
      'too many directives in a subscription',
      `subscription { ticks(n: 1) ${directives} }`,
      'OPERATION_TOO_COMPLEX',
    ],
    ['circular introspection', `query ${introspection}`, 'GRAPHQL_VALIDATION_FAILED'],
    ['too many tokens', `query { ${'hello '.repeat(2_001)} }`, 'GRAPHQL_PARSE_FAILED'],
  ])('refuses %s with its code, and starts nothing', async (_what, query, code) => {
    const { started } = server.seen;
    const before = started.length;
    const outcome = await run(server, query);
    expect(outcome.data).toEqual([]);
    expect(outcome.errors.map(({ extensions }) => extensions?.code)).toContain(code);
    expect(started).toHaveLength(before);
  });
});

it('a refused operation leaves the others of its socket alone', async () => {
  const client = connectSocket(server.socketUrl);
  const ticks = client.iterate({ query: 'subscription { ticks(n: 3) }' });
  const refusal = client.iterate({ query: `{ ${aliases} }` }).next();
  await expect(refusal).rejects.toMatchObject([{ extensions: { code: 'OPERATION_TOO_COMPLEX' } }]);
  const seen: unknown[] = [];
  for await (const { data } of ticks) seen.push(data);
  expect(seen).toEqual([{ ticks: 0 }, { ticks: 1 }, { ticks: 2 }]);
  await client.dispose();
});
