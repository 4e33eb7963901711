/** Conversations while their turns run on another node: rename, delete, and what followers on both nodes are told. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import type { App } from '../../../src/types/app.ts';
import { toTestConfig } from '../../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, type Gate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { followOverWs } from '../../support/ws-follower.ts';

const SLOW = { timeout: 20_000 };
let db: TestDatabase;
let fake: FakeBackend;
let gate: Gate;
let owner: App;
let other: App;

beforeAll(async () => {
  db = await createTestDatabase();
  gate = createGate();
  fake = await startFakeBackend({
    onResponse: () => ({
      ...stream(textResponse('One two.', { pieces: ['One ', 'two.'] })),
      holds: { 5: gate },
    }),
  });
  const config = toTestConfig({ backend: fake.url }, db.url);
  owner = await createApp(config);
  other = await createApp(config);
});
afterAll(async () => {
  gate.release();
  await other[Symbol.asyncDispose]();
  await owner[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const wsOf = ({ url }: App): string => `${url.replace('http', 'ws')}/graphql`;

async function send({ url }: App, query: string): Promise<{ data: unknown; errors?: unknown }> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as { data: unknown; errors?: unknown };
}

/** A turn that one node runs and that is followed on both. */
async function startFollowed() {
  const calls = fake.responses.length;
  const here = followOverWs(wsOf(owner), 'streamingQuery(input: { query: "Count." })');
  await expect.poll(() => here.text, SLOW).toBe('One ');
  const turnId = here.events[0]?.turnId ?? '';
  const there = followOverWs(wsOf(other), `turnEvents(turnId: "${turnId}")`);
  await expect.poll(() => there.text, SLOW).toBe('One ');
  const [row] = await db.database.driver<{ id: string }[]>`
    SELECT conversation_id AS id FROM turn WHERE id = ${turnId}`;
  return { here, there, turnId, conversationId: row?.id ?? '', upstream: await fake.received(calls + 1) };
}

it('a conversation that is deleted on another node ends its turn for all followers, and nothing comes back', async () => {
  const { here, there, turnId, conversationId, upstream } = await startFollowed();
  await using _here = here;
  await using _there = there;
  const deletion = `mutation { deleteConversation(input: { conversationId: "${conversationId}" }) { outcome } }`;
  expect(await send(other, deletion)).toEqual({ data: { deleteConversation: { outcome: 'DELETED' } } });
  await Promise.all([here.done, there.done]);
  for (const { events } of [here, there]) {
    const terminal = events.filter(({ __typename }) => __typename === 'InterruptedEvent');
    expect(terminal).toMatchObject([{ reason: 'CONVERSATION_DELETED' }]);
    expect(events.at(-1)).toBe(terminal[0]);
  }
  await upstream.closed;
  expect(upstream.aborted).toBe(true);
  for (const app of [owner, other]) {
    const read = `{ conversation(id: "${conversationId}") { id } }`;
    expect(await send(app, read)).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    expect(await send(app, deletion)).toEqual({
      data: { deleteConversation: { outcome: 'ALREADY_DELETED' } },
    });
  }
  const [kept] = await db.database.driver`
    SELECT (SELECT count(*)::int FROM turn WHERE conversation_id = ${conversationId} AND (query <> '' OR answer <> '')) AS said,
      (SELECT count(*)::int FROM turn_event_batch WHERE turn_id = ${turnId}) AS events`;
  expect(kept).toEqual({ said: 0, events: 0 });
});

it('a conversation is renamed on another node while its turn runs, and the turn goes on', async () => {
  const { here, there, conversationId } = await startFollowed();
  await using _here = here;
  await using _there = there;
  const renaming = `mutation { renameConversation(input: { conversationId: "${conversationId}", topicSummary: "Counting" }) {
    conversation { topicSummary } } }`;
  expect(await send(other, renaming)).toEqual({
    data: { renameConversation: { conversation: { topicSummary: 'Counting' } } },
  });
  gate.release();
  await Promise.all([here.done, there.done]);
  for (const { events } of [here, there]) expect(events.at(-1)).toMatchObject({ __typename: 'EndEvent' });
  const read = `{ conversation(id: "${conversationId}") { topicSummary } }`;
  expect(await send(owner, read)).toEqual({ data: { conversation: { topicSummary: 'Counting' } } });
});
