/** What a question may not ask of shields and tools, at every entry point: refused before anything is stored or called. */
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApp, type TestApp } from '../support/app.ts';
import { TRANSPORTS, toQuestion } from '../support/clients.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { status } from '../support/fake-backend-script.ts';

let fake: FakeBackend;
let app: TestApp;

beforeAll(async () => {
  fake = await startFakeBackend({ models: ['fake-model', 'guard'].map((id) => ({ id, object: 'model' })) });
  fake.on('GET /v1/vector_stores', () =>
    status(200, { object: 'list', data: [{ id: 'vs_1', name: 'One' }] }),
  );
  const backends = [{ id: 'fake', baseUrl: fake.url, capabilities: { vectorStores: true } }];
  app = await startTestApp({
    backend: fake.url,
    config: { backends, shields: [{ id: 'guard', provider: 'fake', model: 'guard' }] },
  });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

type Errors = readonly {
  readonly message: string;
  readonly extensions?: { readonly code?: unknown } | undefined;
}[];
type Input = Readonly<Record<string, unknown>>;

async function post(input: Input, headers: Readonly<Record<string, string>> = {}): Promise<Errors> {
  const query = 'mutation ($input: StartTurnInput!) { startTurn(input: $input) { turn { id } } }';
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables: { input } }),
  });
  return ((await response.json()) as { errors?: Errors }).errors ?? [];
}

const ENTRIES = [
  ...TRANSPORTS.map(({ name, follow }) => ({
    entry: `streamingQuery over ${name}`,
    ask: async ({ query, ...rest }: Input): Promise<Errors> => {
      const payloads = await Array.fromAsync(follow(app, toQuestion(String(query), rest)));
      return payloads.flatMap(({ errors }) => (errors ?? []) as Errors);
    },
  })),
  { entry: 'startTurn by POST', ask: (input: Input) => post(input) },
];
const REFUSALS = [
  {
    rule: 'shields of its own choice without SHIELD_OVERRIDE',
    input: { shieldIds: ['guard'] },
    code: 'FORBIDDEN',
    message: /SHIELD_OVERRIDE/,
  },
  {
    rule: 'no shields at all without SHIELD_OVERRIDE',
    input: { shieldIds: [] },
    code: 'FORBIDDEN',
    message: /SHIELD_OVERRIDE/,
  },
  {
    rule: 'a vector store that the backend does not have',
    input: { vectorStoreIds: ['vs_2'] },
    code: 'NOT_FOUND',
    message: /Vector store not found/,
  },
];

describe.each(ENTRIES)('$entry refuses', ({ ask }) => {
  it.each(REFUSALS)('$rule', async ({ input, code, message }) => {
    expect(await ask({ query: 'Hello?', ...input })).toMatchObject([
      { message: expect.stringMatching(message), extensions: { code } },
    ]);
    expect(fake.responses).toHaveLength(0);
    expect(fake.journal.filter(({ path }) => path === '/v1/moderations')).toHaveLength(0);
  });
});

describe('MCP-HEADERS that cannot be read', () => {
  const REFUSED = [{ message: 'MCP-HEADERS cannot be read', extensions: { code: 'BAD_USER_INPUT' } }];

  it.each(['{', '[]', '{"wiki": "x"}', '{"wiki": {"X-A": "a\\r\\nb"}}'])(
    'are refused over HTTP: %s',
    async (value) => {
      expect(await post({ query: 'Hello?' }, { 'mcp-headers': value })).toMatchObject(REFUSED);
      expect(fake.responses).toHaveLength(0);
    },
  );

  it('are refused over WebSocket, for the operation, and the socket stays', async () => {
    const connectionParams = { 'MCP-HEADERS': '{' };
    const client = createClient({
      url: app.ws,
      webSocketImpl: WebSocket,
      connectionParams,
      retryAttempts: 0,
    });
    const asking = client.iterate({
      query: 'subscription { streamingQuery(input: { query: "Hello?" }) { __typename } }',
    });
    await expect(asking.next()).rejects.toMatchObject(REFUSED);
    expect(fake.responses).toHaveLength(0);
    await client.dispose();
  });
});
