/** History kept by the backend: opened once, gone on in, and given up for our own whenever the two could differ. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { status, stream, textResponse } from '../../support/fake-backend-script.ts';

const viewer = createViewer();
const OPENED = '0123456789abcdef0123456789abcdef0123456789abcdef';
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  fake = await startFakeBackend({ models: ['one', 'two'].map((id) => ({ id, object: 'model' })) });
  fake.onResponse = () => stream(textResponse('So it is.'));
  fake.on('POST /v1/conversations', () => status(200, { id: `conv_${OPENED}`, object: 'conversation' }));
  const backends = [{ id: 'fake', baseUrl: fake.url, kind: 'openai' as const, history: 'backend' as const }];
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config: { backends } });
  return async () => {
    await node[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  };
});
afterAll(() => db[Symbol.asyncDispose]());

async function ask(query: string, input: Partial<StartTurnInput> = {}) {
  const calls = fake.responses.length;
  const { turn } = await node.engine.start(viewer, { query, provider: 'fake', model: 'one', ...input });
  const events = await collectEvents(node.engine, viewer, { turnId: turn.id });
  return {
    conversationId: turn.conversationId,
    events,
    sent: fake.responses.slice(calls).map(({ body }) => body),
  };
}

const OWN = [
  { role: 'user', content: 'One?' },
  { role: 'assistant', content: 'So it is.' },
  { role: 'user', content: 'Two?' },
];

it('a conversation is opened before the first response and gone on in with the new question alone', async () => {
  const first = await ask('One?');
  const second = await ask('Two?', { conversationId: first.conversationId });
  const there = { conversation: `conv_${OPENED}`, store: true };
  expect(first.sent).toMatchObject([{ ...there, input: [{ role: 'user', content: 'One?' }] }]);
  expect(second.sent).toMatchObject([{ ...there, input: [{ role: 'user', content: 'Two?' }] }]);
  expect(fake.journal.filter(({ path }) => path === '/v1/conversations')).toHaveLength(1);
});

it('another model hears all that was said from us, and so does everyone after it', async () => {
  const { conversationId } = await ask('One?');
  const other = await ask('Two?', { conversationId, model: 'two' });
  expect(other.sent).toMatchObject([{ input: OWN, store: false }]);
  const back = await ask('Three?', { conversationId });
  expect(back.sent[0]).toMatchObject({ store: false });
  expect(back.sent[0]?.input).toHaveLength(5);
});

it('a conversation that the backend has lost is told from our database, in the same turn', async () => {
  const { conversationId } = await ask('One?');
  fake.reply(status(404, { error: { message: `Conversation 'conv_${OPENED}' not found.` } }));
  const second = await ask('Two?', { conversationId });
  expect(second.sent).toHaveLength(2);
  expect(second.sent[1]).toMatchObject({ input: OWN, store: false });
  expect(second.events.at(-1)).toMatchObject({ type: 'end' });
});

it('a backend that opens none is told from our database', async () => {
  fake.on('POST /v1/conversations', () => status(500, { error: { message: 'no' } }));
  const first = await ask('One?');
  expect(first.sent).toMatchObject([{ input: [{ role: 'user', content: 'One?' }], store: false }]);
  expect(first.events.at(-1)).toMatchObject({ type: 'end' });
});
