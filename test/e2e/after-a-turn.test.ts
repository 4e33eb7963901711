/** What comes after the last event of a turn: its conversation gets a name, other tabs hear of it, a transcript is written. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openDatabase } from '../../src/db/client.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { followTurn, toQuestion } from '../support/clients.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../support/fake-backend-script.ts';
import { createOpenDirectory } from '../support/postgres.ts';
import { readBalances, toLimiter } from '../support/quotas.ts';

interface Conversation {
  readonly id: string;
  readonly topicSummary: string | null;
  readonly messageCount: number;
}

async function fetchData<T>(app: TestApp, query: string): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(app.graphql, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return ((await response.json()) as { data: T }).data;
}

async function fetchConversations(app: TestApp): Promise<readonly Conversation[]> {
  const { conversations } = await fetchData<{ conversations: { edges: { node: Conversation }[] } }>(
    app,
    '{ conversations { edges { node { id topicSummary messageCount } } } }',
  );
  return conversations.edges.map(({ node }) => node);
}

const SUMMARY_USAGE = { inputTokens: 30, outputTokens: 4 };

/** What the backend says when it is asked for a topic. */
function nameTopics(fake: FakeBackend, topic: string): void {
  fake.onSummary = () => stream(textResponse(topic, { usage: SUMMARY_USAGE }));
}

it('a new conversation is named by one extra call, which is stored nowhere', async () => {
  await using fake = await startFakeBackend();
  await using app = await startTestApp({ backend: fake.url });
  nameTopics(fake, '"Why the sky is blue today."');
  await Array.fromAsync(followTurn(app, toQuestion('Why is the sky blue?')));
  await expect
    .poll(() => fetchConversations(app), { timeout: 20_000 })
    .toMatchObject([{ topicSummary: 'Why the sky is blue', messageCount: 1 }]);
  expect(fake.responses).toHaveLength(1);
  expect(fake.summaries).toHaveLength(1);
  expect(fake.summaries[0]?.body).toMatchObject({ store: false });
  expect(fake.summaries[0]?.body).not.toHaveProperty('tools');
});

it('the call that names a conversation is charged to no limiter, and counted in the usage', async () => {
  await using fake = await startFakeBackend();
  await using app = await startTestApp({
    backend: fake.url,
    config: { quotas: { limiters: [toLimiter('mine', { initialQuota: 50_000 })] } },
  });
  await using database = openDatabase({ url: app.databaseUrl, poolSize: 1 });
  const findBooks = async () => ({
    balances: await readBalances(database),
    ledger: [...(await database.driver`SELECT kind, amount::int, change::int FROM quota_ledger ORDER BY id`)],
  });
  const named = createGate();
  fake.onSummary = () => stream(textResponse('Blue sky', { usage: SUMMARY_USAGE }), { holds: { 0: named } });
  await Array.fromAsync(followTurn(app, toQuestion('Why is the sky blue?')));
  const charged = await findBooks();
  expect(charged.balances).toMatchObject([{ limiter: 'mine', available: 50_000 - 30, reserved: 0 }]);
  named.release();
  await expect
    .poll(() => fetchConversations(app), { timeout: 20_000 })
    .toMatchObject([{ topicSummary: 'Blue sky' }]);
  expect(await findBooks()).toEqual(charged);
  const { usage } = await fetchData<{ usage: object[] }>(app, '{ usage { kind inputTokens outputTokens } }');
  expect(usage).toHaveLength(2);
  expect(usage).toEqual(
    expect.arrayContaining([
      { kind: 'TURN', inputTokens: 10, outputTokens: 20 },
      { kind: 'TOPIC_SUMMARY', ...SUMMARY_USAGE },
    ]),
  );
});

it('where no language model answers, the first five words of the question name it', async () => {
  await using app = await startTestApp();
  await Array.fromAsync(followTurn(app, toQuestion('How does a client resume a stream?')));
  await expect
    .poll(() => fetchConversations(app), { timeout: 20_000 })
    .toMatchObject([{ topicSummary: 'How does a client resume' }]);
});

it('generateTopicSummary: false asks for none', async () => {
  await using fake = await startFakeBackend();
  await using app = await startTestApp({ backend: fake.url });
  for (const generateTopicSummary of [false, true]) {
    await Array.fromAsync(followTurn(app, toQuestion('Why?', { generateTopicSummary })));
  }
  await expect.poll(() => fake.summaries.length, { timeout: 20_000 }).toBe(1);
  nameTopics(fake, 'A topic');
  expect((await fetchConversations(app)).filter(({ topicSummary }) => topicSummary === null)).toHaveLength(1);
});

it('another tab hears of the new conversation, of its turn and of its name', async () => {
  await using fake = await startFakeBackend();
  await using app = await startTestApp({ backend: fake.url });
  nameTopics(fake, 'Blue sky');
  const client = createClient({ url: app.ws, webSocketImpl: WebSocket });
  const query = `subscription { conversationUpdates { __typename
    ... on ConversationUpsert { conversation { topicSummary } } ... on TurnChanged { turn { status } } } }`;
  const updates: unknown[] = [];
  const tab = client.iterate<{ conversationUpdates: unknown }>({ query });
  expect((await tab.next()).value?.data?.conversationUpdates).toMatchObject({ __typename: 'ResyncEvent' });
  await Array.fromAsync(followTurn(app, toQuestion('Why is the sky blue?')));
  for await (const { data } of tab) {
    updates.push(data?.conversationUpdates);
    if (JSON.stringify(data).includes('"Blue sky"')) break;
  }
  expect(updates).toContainEqual({ __typename: 'TurnChanged', turn: { status: 'COMPLETED' } });
  await client.dispose();
});

it('a transcript of the turn is written where they are enabled', async () => {
  await using fake = await startFakeBackend();
  await using folder = await createOpenDirectory();
  const transcripts = { enabled: true, directory: folder.path, hmacKey: 'a key of at least 16 characters' };
  await using app = await startTestApp({ backend: fake.url, config: { transcripts } });
  await Array.fromAsync(followTurn(app, toQuestion('Why is the sky blue?')));
  const find = async () =>
    (await readdir(folder.path, { recursive: true })).filter((path) => path.endsWith('.json'));
  await expect.poll(find, { timeout: 20_000 }).toHaveLength(1);
  const [path = ''] = await find();
  expect(await readFile(join(folder.path, path), 'utf8')).toContain('Why is the sky blue?');
  expect(path).not.toContain('default');
});
