/** What a conversation knows of its turns, and what each turn hears of the ones before it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDefaultPolicy } from '../../../src/auth/policy.ts';
import { getConversation, listConversations } from '../../../src/conversations/conversations.ts';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, status, stream, textResponse } from '../../support/fake-backend-script.ts';

const policy = createDefaultPolicy({ localOperator: false });
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({ models: ['large', 'small'].map((id) => ({ id, object: 'model' })) });
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

async function answer(
  viewer: Viewer,
  input: Partial<StartTurnInput> = {},
  engine = node.engine,
): Promise<{ readonly conversationId: string; readonly events: readonly TurnEvent[] }> {
  const { turn } = await engine.start(viewer, { query: 'Why?', ...input });
  const events = await collectEvents(engine, viewer, { turnId: turn.id });
  return { conversationId: turn.conversationId, events };
}

const read = (viewer: Viewer, id: string) => getConversation({ database: node.database, policy }, viewer, id);

const listIds = async (viewer: Viewer): Promise<readonly string[]> =>
  (await listConversations({ database: node.database, policy }, viewer, { limit: 9 })).map(({ id }) => id);

describe('a conversation', () => {
  it('is there, without messages, before the backend has answered, and its id is in the StartEvent', async () => {
    const viewer = createViewer();
    const gate = createGate();
    fake.reply({ ...stream(textResponse('Held.')), holds: { 0: gate } });
    const answered = answer(viewer);
    await expect.poll(() => listIds(viewer), { timeout: 20_000 }).toHaveLength(1);
    const [id = ''] = await listIds(viewer);
    expect(await read(viewer, id)).toMatchObject({
      messageCount: 0,
      lastUsedProvider: null,
      lastUsedModel: null,
    });
    gate.release();
    expect((await answered).events[0]).toMatchObject({ type: 'start', conversationId: id });
  });

  it('knows how many turns were answered and which model answered last', async () => {
    const viewer = createViewer();
    const { conversationId } = await answer(viewer, { provider: 'fake', model: 'large' });
    expect(await read(viewer, conversationId)).toMatchObject({ messageCount: 1, lastUsedModel: 'large' });
    await answer(viewer, { conversationId, provider: 'fake', model: 'small' });
    const { createdAt, lastMessageAt, ...conversation } = await read(viewer, conversationId);
    expect(conversation).toMatchObject({ messageCount: 2, lastUsedProvider: 'fake', lastUsedModel: 'small' });
    expect(lastMessageAt.getTime()).toBeGreaterThan(createdAt.getTime());
  });

  it('counts no failed turn, and the model of one is not the one used last', async () => {
    const viewer = createViewer();
    const { conversationId } = await answer(viewer, { provider: 'fake', model: 'small' });
    fake.reply(status(500, { error: { message: 'oops' } }));
    await answer(viewer, { conversationId, provider: 'fake', model: 'large' });
    expect(await read(viewer, conversationId)).toMatchObject({ messageCount: 1, lastUsedModel: 'small' });
  });

  it('goes on with the model that it used last, unless the request names another', async () => {
    const viewer = createViewer();
    const { conversationId } = await answer(viewer, { provider: 'fake', model: 'small' });
    const next = await answer(viewer, { conversationId });
    expect(next.events[0]).toMatchObject({ type: 'start', provider: 'fake', model: 'small' });
    const fresh = await answer(viewer);
    expect(fresh.events[0]).toMatchObject({ type: 'start', model: 'large' });
  });

  it('comes first in the list when something was said in it', async () => {
    const viewer = createViewer();
    const { conversationId: older } = await answer(viewer);
    const { conversationId: newer } = await answer(viewer);
    expect(await listIds(viewer)).toEqual([newer, older]);
    await answer(viewer, { conversationId: older });
    expect(await listIds(viewer)).toEqual([older, newer]);
  });

  it('shows a turn with its answer, counted, at the moment of its EndEvent', async () => {
    const viewer = createViewer();
    const { turn } = await node.engine.start(viewer, { query: 'Why?' });
    const signal = new AbortController().signal;
    for await (const batch of await node.engine.follow(viewer, { turnId: turn.id }, signal)) {
      if (batch.at(-1)?.type !== 'end') continue;
      const [row] = await db.database.driver`
        SELECT status, answer, message_count FROM turn JOIN conversation ON conversation.id = conversation_id
        WHERE turn.id = ${turn.id}`;
      expect(row).toMatchObject({
        status: 'COMPLETED',
        answer: 'An answer of the fake backend.',
        message_count: 1,
      });
    }
    expect.assertions(1);
  });
});

describe('a window that is too small for what was said', () => {
  it('leaves the oldest out, and a HISTORY_TRUNCATED warning says how many', async () => {
    const viewer = createViewer();
    const config = { backends: [{ id: 'fake', baseUrl: fake.url, contextWindow: 200 }] };
    await using small = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config });
    const { conversationId, events } = await answer(
      viewer,
      { query: `First? ${'x'.repeat(300)}` },
      small.engine,
    );
    expect(events.map(({ type }) => type)).not.toContain('warning');
    await answer(viewer, { query: 'Second?', conversationId }, small.engine);
    const count = fake.responses.length;
    const third = await answer(viewer, { query: 'Third?', conversationId }, small.engine);
    expect(third.events.filter(({ type }) => type === 'warning')).toMatchObject([
      {
        warning: 'HISTORY_TRUNCATED',
        message: "Earlier turns that do not fit into the model's context were left out: 1",
      },
    ]);
    expect(third.events.map(({ type }) => type).slice(0, 2)).toEqual(['start', 'warning']);
    expect(fake.responses[count]?.body.input).toEqual([
      { role: 'user', content: 'Second?' },
      { role: 'assistant', content: 'An answer of the fake backend.' },
      { role: 'user', content: 'Third?' },
    ]);
  });

  it('counts also those that are too many to be looked at', async () => {
    const viewer = createViewer();
    const { conversationId } = await answer(viewer, { query: 'First?' });
    await db.database.driver`
      INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model, answer, completed_at)
      SELECT gen_random_uuid(), ${viewer.id}, ${conversationId}, '', '{}', 'COMPLETED', 'q', 'fake', 'fake-model', 'a', now()
      FROM generate_series(1, 204)`;
    const { events } = await answer(viewer, { query: 'Last?', conversationId });
    expect(events.find(({ type }) => type === 'warning')).toMatchObject({
      message: expect.stringMatching(/left out: 5$/),
    });
  });
});
