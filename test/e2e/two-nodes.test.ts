/** Two nodes of one service: what is done on one is followed, seen and undone on the other. */
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestNodes, type TestApp, type TestNodes } from '../support/app.ts';
import { followTurn, type Payload, TRANSPORTS, toFollowing, toQuestion } from '../support/clients.ts';
import { foldDeltas, toFollowedEvents } from '../support/clients-events.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, type Gate, stream, textResponse } from '../support/fake-backend-script.ts';
import { post } from '../support/transport-server.ts';

const TEXT = 'High tide comes twice a day.';
const QUESTION = toQuestion('When is high tide?', { generateTopicSummary: false });

describe.each(['async', 'sync'] as const)('with events that are stored %s', (durability) => {
  let fake: FakeBackend;
  let nodes: TestNodes;
  let here: TestApp;
  let there: TestApp;
  /** Holds the next answers in their midst. */
  let gate: Gate;
  beforeAll(async () => {
    fake = await startFakeBackend({ onResponse: () => stream(textResponse(TEXT), { holds: { 6: gate } }) });
    nodes = await startTestNodes({ backend: fake.url, config: { turns: { durability } } });
    [here, there] = nodes.nodes;
  });
  afterAll(async () => {
    await nodes[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  });

  it.each(TRANSPORTS)(
    'a turn is followed over $name from the other node while it runs',
    async ({ follow }) => {
      gate = createGate();
      const asking = follow(here, QUESTION);
      const [start] = toFollowedEvents([(await asking.next()).value as Payload]);
      const local = Array.fromAsync(asking);
      const following = follow(there, toFollowing(start?.turnId ?? ''));
      const first = await following.next();
      gate.release();
      const distant = toFollowedEvents([first.value as Payload, ...(await Array.fromAsync(following))]);
      const events = [start, ...toFollowedEvents(await local)].filter((event) => event !== undefined);
      const tell = (list: typeof distant) =>
        foldDeltas(list).map(({ __typename, token }) => [__typename, token]);
      expect(tell(distant)).toEqual(tell(events));
      expect(distant.at(-1)?.__typename).toBe('EndEvent');
    },
  );

  it('what happens to conversations is told on the other node, in order', async () => {
    gate = createGate();
    gate.release();
    await using tab = await openTab(there);
    const [start] = toFollowedEvents(await Array.fromAsync(followTurn(here, QUESTION)));
    const id = String(start?.conversationId);
    await tab.heard({ __typename: 'TurnChanged', turn: { status: 'COMPLETED' } });
    await change(here, 'renameConversation', { conversationId: id, topicSummary: 'Tides' });
    await tab.heard({ __typename: 'ConversationUpsert', conversation: { id, topicSummary: 'Tides' } });
    await change(there, 'deleteConversation', { conversationId: id });
    await tab.heard({ __typename: 'ConversationRemoved', conversationId: id });
  });

  it('a turn is cancelled from the other node, and the backend is left', async () => {
    gate = createGate();
    const asking = followTurn(here, QUESTION);
    const [start] = toFollowedEvents([(await asking.next()).value as Payload]);
    const rest = Array.fromAsync(asking);
    await change(there, 'cancelTurn', { turnId: start?.turnId ?? '' });
    const events = toFollowedEvents(await rest);
    expect(events.at(-1)).toMatchObject({ __typename: 'InterruptedEvent', reason: 'CANCELLED' });
    await expect.poll(() => fake.responses.at(-1)?.aborted).toBe(true);
  });

  it('a conversation that is deleted on the other node while it streams ends its turn, and stays away', async () => {
    gate = createGate();
    const asking = followTurn(here, QUESTION);
    const [start] = toFollowedEvents([(await asking.next()).value as Payload]);
    const rest = Array.fromAsync(asking);
    const id = String(start?.conversationId);
    await change(there, 'deleteConversation', { conversationId: id });
    expect(toFollowedEvents(await rest).at(-1)).toMatchObject({
      reason: 'CONVERSATION_DELETED',
      turn: { id: start?.turnId },
    });
    for (const node of [here, there]) {
      const { body } = await post(node.graphql, { query: `{ conversation(id: "${id}") { id } }` });
      expect(body.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    }
  });
});

async function change(app: TestApp, field: string, input: Readonly<Record<string, string>>): Promise<void> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input!`;
  const query = `mutation ($input: ${type}) { ${field}(input: $input) { __typename } }`;
  expect((await post(app.graphql, { query, variables: { input } })).body.errors).toBeUndefined();
}

/** A tab that follows what happens; `heard` resolves when it has been told something like that. */
async function openTab(app: TestApp) {
  const client = createClient({ url: app.ws, webSocketImpl: WebSocket, retryAttempts: 0 });
  const query = `subscription { conversationUpdates { __typename
    ... on ConversationUpsert { conversation { id topicSummary } } ... on TurnChanged { turn { status } }
    ... on ConversationRemoved { conversationId } } }`;
  const updates = client.iterate<{ conversationUpdates: unknown }>({ query });
  await updates.next();
  return {
    async heard(wanted: Readonly<Record<string, unknown>>): Promise<void> {
      for (;;) {
        const { value } = await updates.next();
        const update = JSON.stringify(value?.data?.conversationUpdates);
        if (update === JSON.stringify(wanted)) return;
      }
    },
    [Symbol.asyncDispose]: async () => void (await client.dispose()),
  };
}
