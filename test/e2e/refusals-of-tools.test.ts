/** What a question may not ask of shields and tools, at every entry point: refused before anything is stored or called. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import type { Payload } from '../support/clients.ts';
import { countTraces, ENTRIES, expectRefusal, type Input, type Refused } from '../support/entries.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { status } from '../support/fake-backend-script.ts';

let fake: FakeBackend;
let app: TestApp;
let database: Database;

/** Of one who may choose shields, and of one who may not. */
const KEYS = { free: 'the-key-of-one-who-may', bound: 'the-key-of-one-who-may-not' };
const as = (name: keyof typeof KEYS) => ({ Authorization: `Bearer ${KEYS[name]}` });

const SHIELDS = [
  { id: 'guard', provider: 'fake', model: 'guard' },
  { id: 'homeless', model: 'nobody-has-it' },
];

beforeAll(async () => {
  fake = await startFakeBackend({ models: ['fake-model', 'guard'].map((id) => ({ id, object: 'model' })) });
  fake.on('GET /v1/vector_stores', () =>
    status(200, { object: 'list', data: [{ id: 'vs_1', name: 'One' }] }),
  );
  const capabilities = { vectorStores: true, moderations: false };
  app = await startTestApp({
    config: {
      backends: [{ id: 'fake', baseUrl: fake.url, capabilities }],
      shields: SHIELDS,
      authentication: {
        module: 'api-key-token',
        apiKey: { keys: Object.entries(KEYS).map(([id, key]) => ({ id, key, roles: [id] })) },
      },
      authorization: {
        accessRules: [
          { role: '*', actions: ['QUERY', 'STREAMING_QUERY'] },
          { role: 'free', actions: ['SHIELD_OVERRIDE'] },
        ],
      },
    },
  });
  database = openDatabase({ url: app.databaseUrl, poolSize: 1 });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

/** The asked question is refused, and there is no more of it. */
async function expectNoTrace(asking: () => Promise<readonly Payload[]>, refused: Refused): Promise<void> {
  const before = await countTraces(database, fake);
  await expectRefusal(asking(), refused);
  expect(await countTraces(database, fake)).toEqual(before);
}

interface Rule extends Refused {
  readonly rule: string;
  readonly input: Input;
}

const REFUSALS: readonly Rule[] = [
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
];
const REFUSALS_TO_THOSE_WHO_MAY: readonly Rule[] = [
  {
    rule: 'a shield that is not there',
    input: { shieldIds: ['guard', 'other'] },
    code: 'NOT_FOUND',
    message: 'Shield not found',
    explanation: /Shield with ID other is not configured/,
  },
  {
    rule: 'a shield whose model no backend has',
    input: { shieldIds: ['homeless'] },
    code: 'NOT_FOUND',
    message: 'Shield model not found',
    explanation: /No backend can moderate with nobody-has-it/,
  },
  {
    rule: 'a vector store that the backend does not have',
    input: { shieldIds: ['guard'], vectorStoreIds: ['vs_2'] },
    code: 'NOT_FOUND',
    message: /Vector store not found/,
  },
];

describe.each(ENTRIES)('$entry refuses', ({ ask }) => {
  it.each(REFUSALS)('$rule', ({ input, ...refused }) =>
    expectNoTrace(() => ask(app, { query: 'Hello?', ...input }, as('bound')), refused),
  );

  it.each(REFUSALS_TO_THOSE_WHO_MAY)('$rule', ({ input, ...refused }) =>
    expectNoTrace(() => ask(app, { query: 'Hello?', ...input }, as('free')), refused),
  );

  it.each(['{', '[]', '{"wiki": "x"}', '{"wiki": {"X-A": "a\\r\\nb"}}'])(
    'MCP-HEADERS that cannot be read: %s',
    (value) => {
      const input = { query: 'Hello?', shieldIds: [] };
      return expectNoTrace(() => ask(app, input, { ...as('free'), 'MCP-HEADERS': value }), {
        code: 'BAD_USER_INPUT',
        message: 'MCP-HEADERS cannot be read',
      });
    },
  );
});
