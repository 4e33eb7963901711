/** What the page on moving says of endpoints, each tried on a running server. */

import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp } from '../../support/app.ts';
import { startProcess } from '../../support/child-process.ts';
import { type Payload, TRANSPORTS, toQuestion } from '../../support/clients.ts';
import { toFollowedEvent, toFollowedEvents } from '../../support/clients-events.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';
import {
  ask,
  beRefused,
  describeTable,
  listRows,
  type MovingApp,
  startMovingApp,
  succeed,
} from '../../support/moving.ts';

const HEADING = 'Which endpoint is which?';
let moving: MovingApp;
beforeAll(async () => {
  moving = await startMovingApp();
});
afterAll(() => moving[Symbol.asyncDispose]());

const query =
  (selection: string, headers = {}) =>
  () =>
    succeed(moving.app, { query: `{ ${selection} }`, headers });

const mutate =
  (field: string, type: string, selection: string) => (input: Readonly<Record<string, unknown>>) => ({
    query: `mutation ($input: ${type}!) { ${field}(input: $input) { ${selection} } }`,
    variables: { input },
  });

const cancelTurn = mutate('cancelTurn', 'CancelTurnInput', 'outcome turn { status answer }');
const startTurn = mutate('startTurn', 'StartTurnInput', 'turn { id status }');
const renameConversation = mutate(
  'renameConversation',
  'RenameConversationInput',
  'conversation { topicSummary }',
);
const deleteConversation = mutate('deleteConversation', 'DeleteConversationInput', 'outcome');
const submitFeedback = mutate('submitFeedback', 'SubmitFeedbackInput', 'feedback { id }');
const setFeedbackEnabled = mutate(
  'setFeedbackEnabled',
  'SetFeedbackEnabledInput',
  'feedbackStatus { enabled }',
);
const importDocuments = mutate('importDocuments', 'ImportDocumentsInput', 'documents { document { name } }');

async function streamOverAll() {
  for (const { follow } of TRANSPORTS) {
    const events = toFollowedEvents(await Array.fromAsync(follow(moving.app, toQuestion('Why?'))));
    expect(events.at(-1)).toMatchObject({ __typename: 'EndEvent' });
  }
  return toQuestion('Why?');
}

async function askBlocking() {
  const { turn, query: asked } = await ask(moving.app, {});
  expect(turn).toMatchObject({ status: 'COMPLETED', answer: 'An answer of the fake backend.' });
  const started = await succeed(moving.app, startTurn({ query: 'Why?' }));
  const { id } = (started.data as { startTurn: { turn: { id: string } } }).startTurn.turn;
  expect(started.data).toEqual({ startTurn: { turn: { id, status: 'RUNNING' } } });
  const readStatus = async () => (await query(`turn(id: "${id}") { status }`)()).data;
  await expect.poll(readStatus).toEqual({ turn: { status: 'COMPLETED' } });
  return [asked, started];
}

async function interrupt() {
  const gate = createGate();
  const pieces = ['One ', 'two'];
  moving.fake.reply(stream(textResponse('One two', { pieces }), { holds: { 5: gate } }));
  const client = createClient({ url: moving.app.graphql, retryAttempts: 0 });
  const events = client.iterate<Record<string, unknown>>(toQuestion('Count.'));
  for await (const payload of events) {
    const { token, turnId } = toFollowedEvent(payload as Payload);
    if (token !== 'One ') continue;
    const tried = await succeed(moving.app, cancelTurn({ turnId }));
    const turn = { status: 'INTERRUPTED', answer: 'One ' };
    expect(tried.data).toEqual({ cancelTurn: { outcome: 'CANCELLED', turn } });
    gate.release();
    client.dispose();
    return tried;
  }
  throw new Error('There was no token');
}

async function listInPages() {
  for (let count = 0; count < 2; count += 1) await ask(moving.app, {});
  const page = (after: string) =>
    query(`conversations(first: 1 ${after}) { nodes { id } pageInfo { hasNextPage endCursor } }`)();
  const first = (await page('')).data.conversations as {
    pageInfo: { hasNextPage: boolean; endCursor: string };
  };
  expect(first).toMatchObject({ pageInfo: { hasNextPage: true } });
  const second = await page(`after: "${first.pageInfo.endCursor}"`);
  expect(second.data.conversations).not.toMatchObject({
    nodes: (first as unknown as { nodes: object[] }).nodes,
  });
  return second;
}

async function readConversation() {
  const { turn } = await ask(moving.app, {});
  const tried = await query(`conversation(id: "${turn.conversationId}") { turns { nodes { id } } }`)();
  expect(tried.data).toEqual({ conversation: { turns: { nodes: [{ id: turn.id }] } } });
  return tried;
}

async function rename() {
  const { turn } = await ask(moving.app, {});
  const tried = await succeed(
    moving.app,
    renameConversation({ conversationId: turn.conversationId, topicSummary: 'Sky' }),
  );
  expect(tried.data).toMatchObject({ renameConversation: { conversation: { topicSummary: 'Sky' } } });
  return tried;
}

async function remove() {
  const { turn } = await ask(moving.app, {});
  const tried = await succeed(moving.app, deleteConversation({ conversationId: turn.conversationId }));
  expect(tried.data).toEqual({ deleteConversation: { outcome: 'DELETED' } });
  await beRefused(moving.app, 'NOT_FOUND', {
    query: `{ conversation(id: "${turn.conversationId}") { id } }`,
  });
  return tried;
}

async function giveFeedback() {
  const { turn } = await ask(moving.app, {});
  const { conversationId, id: turnId } = turn;
  const about = { conversationId, question: 'Why?', answer: turn.answer };
  await beRefused(moving.app, 'BAD_USER_INPUT', submitFeedback(about));
  await beRefused(
    moving.app,
    'NOT_FOUND',
    submitFeedback({ ...about, conversationId: crypto.randomUUID(), sentiment: 1 }),
  );
  const categories = ['INCORRECT', 'NOT_RELEVANT', 'INCOMPLETE', 'OUTDATED_INFORMATION', 'UNSAFE', 'OTHER'];
  return succeed(moving.app, submitFeedback({ ...about, turnId, sentiment: -1, text: 'No.', categories }));
}

async function switchFeedback() {
  const { errors, ...sent } = await beRefused(
    moving.app,
    'FORBIDDEN',
    setFeedbackEnabled({ enabled: false }),
  );
  await using app = await startTestApp({ config: { feedback: { enabled: false } } });
  const { data } = await succeed(app, { query: '{ feedbackStatus { enabled } }' });
  expect(data).toEqual({ feedbackStatus: { enabled: false } });
  return [errors, sent, 'feedback.enabled'];
}

async function readConfiguration() {
  const refused = await beRefused(moving.app, 'FORBIDDEN', { query: '{ configuration }' });
  await using command = startProcess('src/main.ts', ['config', 'print'], { OPENAI_API_KEY: 'a-secret' });
  const { code, out } = await command.exit;
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ backends: [{ apiKey: '***' }] });
  return [refused, 'millrace config print'];
}

async function probe(...paths: readonly string[]) {
  for (const path of paths) expect((await fetch(`${moving.app.url}${path}`)).status).toBe(200);
  return paths;
}

/** In production; in development it is a redirection. */
async function readRoot() {
  const led = await fetch(moving.app.url, { redirect: 'manual' });
  expect([led.status, led.headers.get('location')]).toEqual([302, '/graphql']);
  await using app = await startTestApp({ config: { mode: 'production' } });
  const { graphql } = (await (await fetch(app.url)).json()) as { graphql: string };
  expect(graphql).toBe('/graphql');
  return ['/', graphql];
}

async function isAbsent(...names: readonly string[]) {
  const { data } = await query('__schema { types { name fields { name } inputFields { name } } }')();
  const said = JSON.stringify(data).toLowerCase();
  expect(names.filter((name) => said.includes(name))).toEqual([]);
  return names;
}

const withTeam = { 'MCP-HEADERS': '{"tickets":{"X-Team":"blue"}}' };

async function listTools() {
  const tried = await query('tools { name error tools { name } }', withTeam)();
  expect(tried.data.tools).toContainEqual({
    name: 'tickets',
    error: null,
    tools: [{ name: 'find' }, { name: 'close' }],
  });
  return tried;
}

async function expectData(selection: string, data: object) {
  const tried = await query(selection)();
  expect(tried.data).toMatchObject(data);
  return tried;
}

describeTable(HEADING, {
  'POST /v1/streaming_query': streamOverAll,
  'POST /v1/query': askBlocking,
  'POST /v1/streaming_query/interrupt': interrupt,
  'GET /v1/conversations, /v2/conversations': listInPages,
  'GET /v1/conversations/{id}, /v2/conversations/{id}': readConversation,
  'PUT /v1/conversations/{id}, /v2/conversations/{id}': rename,
  'DELETE /v1/conversations/{id}, /v2/conversations/{id}': remove,
  'POST /v1/feedback': giveFeedback,
  'GET /v1/feedback/status': () =>
    expectData('feedbackStatus { enabled }', { feedbackStatus: { enabled: true } }),
  'PUT /v1/feedback/status': switchFeedback,
  'GET /v1/models': () =>
    expectData('models { id provider }', { models: [{ id: 'fake-model', provider: 'fake' }, {}, {}, {}] }),
  'GET /v1/providers, /v1/providers/{id}': () =>
    expectData('providers { id } provider(id: "fake") { id models { id } }', {
      providers: [{ id: 'fake' }, { id: 'small' }],
      provider: { id: 'fake', models: [{ id: 'fake-model' }, {}] },
    }),
  'GET /v1/tools': listTools,
  'GET /v1/shields': () =>
    expectData('shields { id provider }', { shields: [{ id: 'guard', provider: 'fake' }] }),
  'GET /v1/rags, /v1/rags/{id}': () =>
    expectData('vectorStores { id name }', { vectorStores: [{ id: 'vs_1', name: 'Manuals' }, {}] }),
  'GET /v1/mcp-auth/client-options': () =>
    expectData('mcpClientAuthOptions { name headers }', {
      mcpClientAuthOptions: [{ name: 'tickets', headers: ['X-Team'] }],
    }),
  'GET /v1/mcp-servers, and adding and removing them': async () => [
    await listTools(),
    await isAbsent('addmcp', 'removemcp', 'mcpserverinput'),
  ],
  'GET /v1/info': () => expectData('serviceInfo { name version }', { serviceInfo: { name: 'millrace' } }),
  'GET /v1/config': readConfiguration,
  'POST /authorized': () =>
    expectData('viewer { id name actions }', { viewer: { actions: expect.arrayContaining(['QUERY']) } }),
  'GET /': readRoot,
  'GET /readiness, /liveness': () => probe('/readyz', '/livez'),
  'GET /metrics': () => probe('/metrics'),
  'POST /v1/responses': () => isAbsent('createresponse'),
  '/v1/vector-stores, /v1/files': async () => {
    await isAbsent('createvectorstore', 'file');
    const source = { name: 'a.txt', format: 'TEXT', content: { text: 'The tide is out.' } };
    return succeed(moving.app, importDocuments({ documents: [source] }));
  },
  '/v1/prompts, /v1/saved-prompts, skills': () => isAbsent('prompts', 'savedprompt', 'skill'),
  '/a2a, /.well-known/agent-card.json, /v1/infer': () => isAbsent('a2a', 'infer', 'agentcard'),
});

it('nothing answers at the paths of the old service, but for metrics and the root', async () => {
  const kept: readonly string[] = ['/', '/metrics'];
  const paths = listRows(HEADING).flatMap(({ old }) => old.filter((path) => !kept.includes(path)));
  const answers = await Promise.all(
    paths.flatMap((path) =>
      ['GET', 'POST'].map(async (method) => (await fetch(`${moving.app.url}${path}`, { method })).status),
    ),
  );
  expect(paths.length).toBeGreaterThan(25);
  expect(new Set(answers)).toEqual(new Set([404]));
});
