/** What a question is refused for who asks, what else was asked, and how it is to be followed; and shields that fail. */
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { toCursor, toCursorPrefix } from '../../src/lib/cursor.ts';
import { newId } from '../../src/lib/ids.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { followTurn, type Payload, toQuestion } from '../support/clients.ts';
import {
  countTraces,
  ENTRIES,
  expectRefusal,
  type Input,
  type Refused,
  STREAMING_ENTRIES,
} from '../support/entries.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, status, stream, textResponse } from '../support/fake-backend-script.ts';

let fake: FakeBackend;
let app: TestApp;
let database: Database;

beforeAll(async () => {
  fake = await startFakeBackend({ models: ['fake-model', 'guard'].map((id) => ({ id, object: 'model' })) });
  fake.on('POST /v1/moderations', ({ body }) =>
    body.model === 'gone' ? status(404, { error: { message: 'no such model' } }) : status(500),
  );
  app = await startTestApp({
    backend: fake.url,
    config: {
      shields: [
        { id: 'missing', provider: 'fake', model: 'gone' },
        { id: 'broken', provider: 'fake', model: 'guard' },
      ],
      authorization: {
        accessRules: [{ role: '*', actions: ['QUERY', 'STREAMING_QUERY', 'SHIELD_OVERRIDE'] }],
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

/** A question that passes no shield and gets no summary: what it leaves behind is its own. */
const QUIET = { query: 'Hello?', shieldIds: [], generateTopicSummary: false };

async function expectNoTrace(asking: () => Promise<readonly Payload[]>, refused: Refused): Promise<void> {
  const before = await countTraces(database, fake);
  await expectRefusal(asking(), refused);
  expect(await countTraces(database, fake)).toEqual(before);
}

interface StoredTurn {
  readonly conversation: string;
  readonly status: string;
  readonly answer: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}

async function findTurn(clientTurnId: string): Promise<StoredTurn | undefined> {
  const rows = await database.driver<StoredTurn[]>`
    SELECT conversation_id AS conversation, status, answer, error FROM turn
    WHERE idempotency_key = ${`key:${clientTurnId}`}`;
  return rows[0];
}

/** The key of a turn that has ended. */
async function useKey(): Promise<string> {
  const clientTurnId = newId();
  await Array.fromAsync(followTurn(app, toQuestion('Hello?', { ...QUIET, clientTurnId })));
  expect(await findTurn(clientTurnId)).toMatchObject({ status: 'COMPLETED' });
  return clientTurnId;
}

describe.each(ENTRIES)('$entry refuses', ({ ask }) => {
  it('a model of its own choice without MODEL_OVERRIDE', () =>
    expectNoTrace(() => ask(app, { ...QUIET, provider: 'fake', model: 'fake-model' }), {
      code: 'FORBIDDEN',
      message: 'User does not have permission to perform MODEL_OVERRIDE',
    }));

  it('another question under a key that is taken', async () => {
    const clientTurnId = await useKey();
    await expectNoTrace(() => ask(app, { ...QUIET, query: 'Goodbye?', clientTurnId }), {
      code: 'IDEMPOTENCY_CONFLICT',
      message: 'The clientTurnId was already used for another request',
    });
  });

  it('a question in a conversation in which a turn runs', async () => {
    const gate = createGate();
    const count = fake.responses.length;
    fake.reply(stream(textResponse('At last.'), { holds: { 0: gate } }));
    const clientTurnId = newId();
    const running = ask(app, { ...QUIET, clientTurnId });
    await fake.received(count + 1);
    const { conversation: conversationId } = (await findTurn(clientTurnId)) ?? {};
    await expectNoTrace(() => ask(app, { ...QUIET, conversationId }), {
      code: 'CONVERSATION_BUSY',
      message: 'A turn is already running in this conversation',
    });
    gate.release();
    await running;
    await expect.poll(() => findTurn(clientTurnId)).toMatchObject({ answer: 'At last.' });
  });
});

const AFTER = { ...QUIET, after: toCursor(toCursorPrefix(newId()), 1, 1) };
const NEEDS_KEY: Refused = {
  code: 'BAD_USER_INPUT',
  message: 'clientTurnId must be specified if after is specified',
};

describe.each(STREAMING_ENTRIES)('$entry refuses', ({ ask }) => {
  it.each([-1, 1_001])('minIntervalMs of %i', (minIntervalMs) =>
    expectNoTrace(() => ask(app, { ...QUIET, minIntervalMs }), {
      code: 'BAD_USER_INPUT',
      message: `minIntervalMs must be 0 to 1000, not ${minIntervalMs}`,
    }),
  );
});

describe('a cursor without clientTurnId', () => {
  it.each(STREAMING_ENTRIES.slice(1))('is refused by $entry', ({ ask }) =>
    expectNoTrace(() => ask(app, AFTER), NEEDS_KEY),
  );

  it('is refused over WebSocket when the id of the operation is not a UUID, which would be the key', async () => {
    const client = createClient({
      url: app.ws,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      generateID: () => 'one',
    });
    const query =
      'subscription ($input: StreamingQueryInput!) { streamingQuery(input: $input) { __typename } }';
    const asking = () =>
      Array.fromAsync(client.iterate({ query, variables: { input: AFTER } })) as Promise<readonly Payload[]>;
    await expectNoTrace(asking, NEEDS_KEY);
    await client.dispose();
  });
});

const FAILING_SHIELDS = [
  {
    shield: 'missing',
    error: {
      code: 'NOT_FOUND',
      message: 'Shield model not found',
      cause: 'Shield model with ID gone does not exist at fake',
    },
  },
  {
    shield: 'broken',
    error: {
      code: 'BACKEND_UNAVAILABLE',
      message: 'The question could not be checked',
      cause: 'Shield broken gave no verdict',
    },
  },
];

/** The question is accepted, and then nobody may answer it. */
async function expectFailed(asked: Input, asking: Promise<unknown>, error: object): Promise<void> {
  const calls = fake.responses.length;
  await asking;
  await expect
    .poll(() => findTurn(String(asked.clientTurnId)))
    .toMatchObject({ status: 'FAILED', answer: '', error });
  expect(fake.responses).toHaveLength(calls);
}

describe.each(FAILING_SHIELDS)('a shield that is $shield', ({ shield, error }) => {
  const toInput = (): Input => ({ ...QUIET, shieldIds: [shield], clientTurnId: newId() });

  it.each(STREAMING_ENTRIES)(
    'is told by $entry as an ErrorEvent, and no model is called',
    async ({ ask }) => {
      const input = toInput();
      const asking = ask(app, input);
      await expectFailed(input, asking, error);
      const events = (await asking).map(({ data }) => data?.streamingQuery);
      expect(events).toMatchObject([{ __typename: 'StartEvent' }, { __typename: 'ErrorEvent', ...error }]);
    },
  );

  it.each(ENTRIES.slice(STREAMING_ENTRIES.length))(
    'fails the turn of $entry, and no model is called',
    async ({ ask }) => {
      const input = toInput();
      await expectFailed(input, ask(app, input), error);
    },
  );
});
