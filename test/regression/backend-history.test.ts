/** Traps of a history that the backend keeps: what it may not know of is told by us, and what it keeps is never forgotten about. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createDefaultPolicy } from '../../src/auth/policy.ts';
import { deleteConversation } from '../../src/conversations/conversations.ts';
import type { StartTurnInput } from '../../src/turns/engine.ts';
import type { JsonObject } from '../../src/types/json.ts';
import { recordChanges } from '../support/conversation-changes.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import type { TestEngine } from '../support/engine.ts';
import { collectEvents, collectUntil, createViewer, joinTokens, startTestEngine } from '../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, type Script, status, stream, textResponse } from '../support/fake-backend-script.ts';

const viewer = createViewer();
const OPENED = 'fedcba9876543210fedcba9876543210fedcba9876543210';
const FAKE = { provider: 'fake', model: 'fake-model' };
const ANSWER = textResponse('So it is.');
const FIRST = [
  { role: 'user', content: 'One?' },
  { role: 'assistant', content: 'So it is.' },
];
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  fake = await startFakeBackend();
  fake.onResponse = () => stream(ANSWER);
  fake.on('POST /v1/conversations', () => status(200, { id: `conv_${OPENED}`, object: 'conversation' }));
  const one = { baseUrl: fake.url, kind: 'openai' as const, capabilities: { images: false } };
  const backends = [
    { ...one, id: 'fake', history: 'backend' as const },
    { ...one, id: 'plain', history: 'own' as const },
  ];
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config: { backends } });
  return async () => {
    await node[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  };
});
afterAll(() => db[Symbol.asyncDispose]());

async function ask(query: string, input: Partial<StartTurnInput> = {}) {
  const calls = fake.responses.length;
  const { turn } = await node.engine.start(viewer, { query, ...FAKE, ...input });
  const events = await collectEvents(node.engine, viewer, { turnId: turn.id });
  const sent = fake.responses.slice(calls).map(({ body }) => body);
  return { conversationId: turn.conversationId, events, sent };
}

async function interrupt(conversationId: string): Promise<void> {
  const gate = createGate();
  fake.reply(stream(ANSWER, { holds: { 6: gate } }));
  const { turn } = await node.engine.start(viewer, { query: 'Two?', conversationId, ...FAKE });
  const follow = { viewer, input: { turnId: turn.id } };
  await collectUntil(node.engine, follow, (events) => joinTokens(events) === 'So it');
  await node.engine.cancel(viewer, turn.id);
  gate.release();
}

it('after an interruption the next question goes with our history, the partial answer in it', async () => {
  const { conversationId } = await ask('One?');
  await interrupt(conversationId);
  const third = await ask('Three?', { conversationId });
  const second = [
    { role: 'user', content: 'Two?' },
    { role: 'assistant', content: 'So it' },
  ];
  expect(third.sent).toMatchObject([
    { store: false, input: [...FIRST, ...second, { role: 'user', content: 'Three?' }] },
  ]);
  expect(third.sent[0]).not.toHaveProperty('conversation');
});

const incomplete = (): JsonObject[] =>
  ANSWER.map((event) =>
    event.type === 'response.completed'
      ? {
          ...event,
          type: 'response.incomplete',
          response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
        }
      : event,
  );
it.each<[string, Script]>([
  ['broke off', stream(ANSWER, { breaks: { after: 6, how: 'reset' } })],
  ['was refused', status(500, { error: { message: 'no' } })],
  ['was cut short', stream(incomplete())],
])('after an answer that %s the backend is not taken to know what we know', async (_how, script) => {
  const { conversationId } = await ask('One?');
  fake.reply(script);
  await ask('Two?', { conversationId });
  const third = await ask('Three?', { conversationId });
  expect(third.sent).toMatchObject([{ store: false }]);
  expect(third.sent[0]?.input).toEqual(expect.arrayContaining(FIRST));
});

it('no second conversation is opened when the first question failed', async () => {
  fake.reply(status(500, { error: { message: 'no' } }));
  const { conversationId } = await ask('One?');
  const second = await ask('Two?', { conversationId });
  expect(second.sent).toMatchObject([{ store: false, input: [{ role: 'user', content: 'Two?' }] }]);
  expect(fake.journal.filter(({ path }) => path === '/v1/conversations')).toHaveLength(1);
});

it('after a turn at a backend whose history we tell, the other does not miss it', async () => {
  const { conversationId } = await ask('One?');
  await ask('Two?', { conversationId, provider: 'plain' });
  const third = await ask('Three?', { conversationId });
  expect(third.sent).toMatchObject([{ store: false }]);
  expect(third.sent[0]?.input).toHaveLength(5);
});

it('a conversation that was given up is still deleted at the backend with ours', async () => {
  const { conversationId } = await ask('One?');
  fake.reply(status(404, { error: { message: `Conversation 'conv_${OPENED}' not found.` } }));
  await ask('Two?', { conversationId });
  const changes = recordChanges();
  const policy = createDefaultPolicy({ localOperator: true });
  await deleteConversation({ ...changes, database: node.database, policy }, viewer, conversationId);
  expect(changes.enqueued).toMatchObject([{ payload: { provider: 'fake', backendConversationId: OPENED } }]);
});

it('the second request, with our history, leaves out what the backend cannot take, too', async () => {
  const { conversationId } = await ask('One?');
  fake.reply(status(404, { error: { message: `Conversation 'conv_${OPENED}' not found.` } }));
  const base64 = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).toString('base64');
  const attachments = [{ attachmentType: 'image', contentType: 'image/png', content: { base64 } }];
  const second = await ask('Two?', { conversationId, attachments });
  expect(second.sent).toHaveLength(2);
  expect(JSON.stringify(second.sent)).not.toContain('input_image');
});
