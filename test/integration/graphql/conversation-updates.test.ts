/** One viewer in two tabs on two nodes: what one does to conversations, the other sees over a real WebSocket. */
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createApp } from '../../../src/app.ts';
import type { App } from '../../../src/types/app.ts';
import { toTestConfig } from '../../support/app.ts';
import { insertConversation } from '../../support/conversation-rows.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { stream, textResponse } from '../../support/fake-backend-script.ts';

let db: TestDatabase;
let fake: FakeBackend;
let here: App;
let there: App;
beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  const config = toTestConfig({ backend: fake.url }, db.url);
  here = await createApp(config);
  there = await createApp(config);
});
afterAll(async () => {
  await there[Symbol.asyncDispose]();
  await here[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const UPDATES = `subscription {
  conversationUpdates {
    __typename
    ... on ConversationUpsert { conversationId conversation { topicSummary } }
    ... on ConversationRemoved { conversationId }
    ... on TurnChanged { conversationId turnId turn { status } }
    ... on ResyncEvent { reason }
  }
}`;

interface Update {
  readonly __typename: string;
  readonly conversationId?: string;
}

/** A tab that follows; resolves when it has its first event. */
async function openTab(app: App) {
  const url = `${app.url.replace('http', 'ws')}/graphql`;
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
  const updates: Update[] = [];
  const results = client.iterate<{ conversationUpdates: Update }>({ query: UPDATES });
  const done = (async () => {
    for await (const { data } of results) if (data) updates.push(data.conversationUpdates);
  })();
  await expect.poll(() => updates.length).toBeGreaterThan(0);
  return {
    updates,
    about: (conversationId: string) => updates.filter((update) => update.conversationId === conversationId),
    async [Symbol.asyncDispose]() {
      await results.return?.();
      await done;
      await client.dispose();
    },
  };
}

/** What the other tab does. */
async function mutate(query: string, input: object): Promise<unknown> {
  const response = await fetch(`${here.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}

async function viewerId(): Promise<string> {
  const [row] = await db.database.driver`SELECT DISTINCT owner_id FROM turn`;
  return row?.owner_id;
}

const START = `mutation ($input: StartTurnInput!) { startTurn(input: $input) { turn { id conversationId } } }`;
const RENAME = `mutation ($input: RenameConversationInput!) {
  renameConversation(input: $input) { conversation { id } }
}`;
const DELETE = `mutation ($input: DeleteConversationInput!) { deleteConversation(input: $input) { outcome } }`;

/** Asks for a conversation that belongs to the viewer of the test servers. */
async function createConversation(): Promise<string> {
  fake.reply(stream(textResponse('Because.')));
  await mutate(START, { query: 'Why?', generateTopicSummary: false });
  await expect.poll(() => viewerId()).toBeTruthy();
  return insertConversation(db.database.driver, { ownerId: await viewerId() });
}

describe('conversationUpdates', () => {
  it('begins with a ResyncEvent', async () => {
    await using tab = await openTab(there);
    expect(tab.updates[0]).toEqual({ __typename: 'ResyncEvent', reason: 'SUBSCRIBED' });
  });

  it('tells another tab of a new name and of a deletion', async () => {
    const conversationId = await createConversation();
    await using tab = await openTab(there);
    await mutate(RENAME, { conversationId, topicSummary: 'Light' });
    const renamed = {
      __typename: 'ConversationUpsert',
      conversationId,
      conversation: { topicSummary: 'Light' },
    };
    await expect.poll(() => tab.about(conversationId)).toEqual([renamed]);
    await mutate(DELETE, { conversationId });
    await expect
      .poll(() => tab.about(conversationId))
      .toEqual([renamed, { __typename: 'ConversationRemoved', conversationId }]);
  });

  it('tells nothing of the conversations of others', async () => {
    const own = await createConversation();
    const others = await insertConversation(db.database.driver, { ownerId: 'eve' });
    await using tab = await openTab(there);
    const note = (owner: string, id: string) => [owner, 'CONVERSATION_UPSERT', id];
    await db.database.driver.notify('millrace_conversations', JSON.stringify([note('x'.repeat(22), others)]));
    await mutate(RENAME, { conversationId: own, topicSummary: 'Light' });
    await expect.poll(() => tab.about(own)).toHaveLength(1);
    expect(tab.about(others)).toEqual([]);
  });

  it('has the tab look for itself after the listening connection was cut', async () => {
    await using tab = await openTab(there);
    await db.database.driver`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'millrace-listen' AND datname = current_database()`;
    await expect.poll(() => tab.updates).toContainEqual({ __typename: 'ResyncEvent', reason: 'MISSED' });
  });
});
