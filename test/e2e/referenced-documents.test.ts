/** What answers refer to, from the stream of the backend to the queries by turn, by conversation and across conversations. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JsonObject } from '../../src/types/json.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { followTurn, type Payload, toQuestion } from '../support/clients.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { stream, textResponse } from '../support/fake-backend-script.ts';

let fake: FakeBackend;
let app: TestApp;

beforeAll(async () => {
  fake = await startFakeBackend();
  app = await startTestApp({ backend: fake.url });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

type Event = Readonly<Record<string, unknown>>;

const OPTICS = { title: 'optics.md', url: 'https://example.org/optics' };
const NOTES = { title: 'notes.md', url: null };
const toResult = ({ title, url }: typeof OPTICS | typeof NOTES): JsonObject => ({
  file_id: `file-${title}`,
  filename: title,
  text: `Of ${title}.`,
  score: 0.5,
  attributes: { link: url ?? 'file:///etc/passwd' },
});

/** A search that found these, and then a short answer. */
function searchedResponse(results: readonly JsonObject[]): readonly JsonObject[] {
  const [created, ...rest] = textResponse('Blue.', { pieces: ['Blue.'] });
  const item = { id: 'fs_1', type: 'file_search_call', queries: ['sky'], status: 'completed', results };
  const search = { type: 'response.output_item.done', output_index: 0, item };
  return [...(created ? [created] : []), search, ...rest];
}

async function ask(found: readonly (typeof OPTICS | typeof NOTES)[], conversationId?: unknown) {
  fake.reply(stream(searchedResponse(found.map(toResult))));
  const input = { generateTopicSummary: false, ...(conversationId !== undefined && { conversationId }) };
  const payloads = await Array.fromAsync(followTurn(app, toQuestion('Why?', input)));
  const events = payloads.map(({ data }) => data?.streamingQuery as Event);
  return { events, end: events.at(-1), conversationId: events[0]?.conversationId, turnId: events[0]?.turnId };
}

async function fetchData(query: string, variables: object = {}): Promise<Payload['data']> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ query, variables });
  const { data } = (await (await fetch(app.graphql, { method: 'POST', headers, body })).json()) as Payload;
  return data;
}

const USES = 'document { title url } turnCount lastUsedAt';

it('are told once each, in order of appearance, stored with their turn, and counted across conversations', async () => {
  const first = await ask([OPTICS, NOTES, OPTICS]);
  const second = await ask([OPTICS], first.conversationId);
  const elsewhere = await ask([OPTICS]);
  expect(first.end).toMatchObject({ referencedDocuments: [OPTICS, NOTES], ragChunkCount: 3 });

  const source = `query ($turn: ID!, $later: ID!, $elsewhere: ID!, $conversation: ID!) {
    turn(id: $turn) { startedAt referencedDocuments { title url } }
    later: turn(id: $later) { startedAt }
    elsewhere: turn(id: $elsewhere) { startedAt }
    conversation(id: $conversation) { referencedDocuments { ${USES} } }
    referencedDocuments { nodes { ${USES} } }
    ofOne: referencedDocuments(conversationId: $conversation) { nodes { ${USES} } }
  }`;
  const ids = { turn: first.turnId, later: second.turnId, elsewhere: elsewhere.turnId };
  const data = await fetchData(source, { ...ids, conversation: first.conversationId });
  const startOf = (alias: string) => ((data?.[alias] ?? {}) as Event).startedAt;
  const notes = { document: NOTES, turnCount: 1, lastUsedAt: startOf('turn') };
  const ofOne = [{ document: OPTICS, turnCount: 2, lastUsedAt: startOf('later') }, notes];
  expect(data).toMatchObject({
    turn: { referencedDocuments: [OPTICS, NOTES] },
    conversation: { referencedDocuments: ofOne },
    ofOne: { nodes: ofOne },
    referencedDocuments: {
      nodes: [{ document: OPTICS, turnCount: 3, lastUsedAt: startOf('elsewhere') }, notes],
    },
  });
});

it('end the plain text of an answer: its calls, its tokens, a rule, and a line for each document', async () => {
  const { events } = await ask([OPTICS, NOTES]);
  expect(events.map(({ plainText }) => plainText).join('')).toBe(
    '[Tool Call: knowledge_search]\n[Tool Result]\nBlue.\n\n---\n\noptics.md: https://example.org/optics\nnotes.md\n',
  );
});
