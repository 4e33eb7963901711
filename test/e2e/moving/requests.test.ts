/** What the page on moving says of the fields of a request, each sent to a running server. */
import { afterAll, beforeAll, expect } from 'vitest';
import { followTurn, toQuestion } from '../../support/clients.ts';
import { toFollowedEvents } from '../../support/clients-events.ts';
import { status } from '../../support/fake-backend-script.ts';
import { ask, beRefused, describeTable, type MovingApp, startMovingApp } from '../../support/moving.ts';

type Input = Readonly<Record<string, unknown>>;

let moving: MovingApp;
beforeAll(async () => {
  moving = await startMovingApp();
});
afterAll(() => moving[Symbol.asyncDispose]());

const refuse = (code: string, input: Input) =>
  beRefused(moving.app, code, {
    query: 'mutation ($input: QueryInput!) { query(input: $input) { turn { id } } }',
    variables: { input: { query: 'Why?', ...input } },
  });

/** The answer and what the backend was asked. */
async function askBackend(input: Input, headers = {}) {
  const count = moving.fake.responses.length;
  const asked = await ask(moving.app, input, headers);
  expect(asked.turn.status).toBe('COMPLETED');
  return { ...asked, body: moving.fake.responses[count]?.body };
}

async function askLong() {
  const tried = await askBackend({ query: 'x'.repeat(32_768) });
  await refuse('BAD_USER_INPUT', { query: 'x'.repeat(32_769) });
  return tried;
}

async function continueConversation() {
  const { turn } = await askBackend({});
  const forms = [turn.conversationId, `conv_${turn.conversationId}`];
  for (const conversationId of forms) {
    expect((await askBackend({ conversationId })).turn.conversationId).toBe(turn.conversationId);
  }
  for (const hex of ['a'.repeat(48), `conv_${'a'.repeat(48)}`]) {
    await refuse('NOT_FOUND', { conversationId: hex });
  }
  await refuse('BAD_USER_INPUT', { conversationId: 'a'.repeat(47) });
  return { conversationId: forms, prefix: 'conv_' };
}

async function chooseModel() {
  await refuse('BAD_USER_INPUT', { provider: 'fake' });
  await refuse('BAD_USER_INPUT', { model: 'fake-model' });
  const tried = await askBackend({ provider: 'small', model: 'fake-model' });
  expect(tried.body).toMatchObject({ model: 'fake-model' });
  return tried;
}

async function instruct() {
  const tried = await askBackend({ systemPrompt: 'Be brief.' });
  expect(tried.body).toMatchObject({ instructions: expect.stringContaining('Be brief.') });
  return tried;
}

async function attach() {
  const types = ['alert', 'api object', 'configuration', 'error message', 'event', 'log', 'stack trace'];
  const toAttachment = (attachmentType: string, text = 'x') => ({
    attachmentType,
    contentType: 'text/plain',
    content: { text },
  });
  const ten = [...types, 'log', 'log', 'log'].map((type) => toAttachment(type));
  await refuse('BAD_USER_INPUT', { attachments: [...ten, toAttachment('log')] });
  await refuse('BAD_USER_INPUT', { attachments: [toAttachment('diary')] });
  await refuse('BAD_USER_INPUT', { attachments: [toAttachment('log', 'x'.repeat(512 * 1024 + 1))] });
  return askBackend({ attachments: ten });
}

async function goWithoutTools() {
  const tried = await askBackend({ noTools: true });
  expect(tried.body?.tools ?? []).toEqual([]);
  expect((await askBackend({})).body?.tools).toMatchObject([{ type: 'file_search' }]);
  return tried;
}

/** The summary fails at once and, some seconds later, again. */
async function summarize() {
  const countSummaries = (question: string): number =>
    moving.fake.summaries.filter(({ body }) => JSON.stringify(body).includes(question)).length;
  moving.fake.onSummary = () => status(500, { error: { message: 'no' } });
  await askBackend({ query: 'Leave me unnamed.', generateTopicSummary: false });
  const tried = await askBackend({ query: 'Name me.', generateTopicSummary: true });
  await expect.poll(() => countSummaries('Name me.'), { timeout: 25_000 }).toBeGreaterThan(1);
  expect(countSummaries('Leave me unnamed.')).toBe(0);
  return tried;
}

async function searchStores() {
  expect((await askBackend({ vectorStoreIds: [] })).body?.tools ?? []).toEqual([]);
  const tried = await askBackend({ vectorStoreIds: ['vs_1'] });
  expect(tried.body?.tools).toMatchObject([{ type: 'file_search', vector_store_ids: ['vs_1'] }]);
  return [tried, '[]'];
}

async function overrideShields() {
  const named = await refuse('FORBIDDEN', { shieldIds: ['guard'] });
  expect(named.errors[0]?.message).toContain('SHIELD_OVERRIDE');
  return [named, await refuse('FORBIDDEN', { shieldIds: [] })];
}

async function readPlainText() {
  const query =
    'subscription ($input: StreamingQueryInput!) { streamingQuery(input: $input) { ... on TurnEvent { plainText } } }';
  const payloads = await Array.fromAsync(followTurn(moving.app, { ...toQuestion('Why?'), query }));
  const texts = payloads.map(({ data }) => {
    const [event] = Object.values(data ?? {}) as readonly { readonly plainText: string }[];
    return event?.plainText;
  });
  expect(texts.join('')).toContain('An answer of the fake backend.');
  return [query, 'text/plain'];
}

async function repeat() {
  const clientTurnId = crypto.randomUUID();
  const [first, second] = [await ask(moving.app, { clientTurnId }), await ask(moving.app, { clientTurnId })];
  expect(second.turn.id).toBe(first.turn.id);
  return second;
}

async function followAgain() {
  const input = {
    clientTurnId: crypto.randomUUID(),
    onDisconnect: 'CANCEL',
    whenBusy: 'REJECT',
    minIntervalMs: 10,
  };
  const read = async (extra: Input) =>
    toFollowedEvents(
      await Array.fromAsync(followTurn(moving.app, toQuestion('Why?', { ...input, ...extra }))),
    );
  const whole = await read({});
  const after = whole[0]?.cursor;
  const rest = await read({ after });
  expect(rest.at(-1)).toEqual(whole.at(-1));
  expect(rest.some(({ seq }) => seq === 1)).toBe(false);
  return { ...input, after };
}

async function sendMcpHeaders() {
  const headers = { 'MCP-HEADERS': '{"tickets":{"X-Team":"blue"}}' };
  const tried = await askBackend({}, headers);
  expect(tried.body?.tools).toContainEqual(
    expect.objectContaining({ type: 'mcp', server_label: 'tickets', headers: { 'X-Team': 'blue' } }),
  );
  return tried;
}

describeTable('Which field of a request is which?', {
  query: askLong,
  conversation_id: continueConversation,
  'provider, model': chooseModel,
  system_prompt: instruct,
  attachments: attach,
  no_tools: goWithoutTools,
  generate_topic_summary: summarize,
  vector_store_ids: searchStores,
  shield_ids: overrideShields,
  media_type: readPlainText,
  'solr, okp': async () => [
    await refuse('BAD_USER_INPUT', { solr: {} }),
    await refuse('BAD_USER_INPUT', { okp: {} }),
  ],
  '+ clientTurnId': repeat,
  '+ after, onDisconnect, whenBusy, minIntervalMs': followAgain,
  'the header MCP-HEADERS': sendMcpHeaders,
});
