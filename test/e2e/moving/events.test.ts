/** What the page on moving says of events, each seen by a follower of a running server. */
import { afterAll, beforeAll, expect } from 'vitest';
import { openDatabase } from '../../../src/db/client.ts';
import { toCursor, toCursorPrefix } from '../../../src/lib/cursor.ts';
import { startTestApp } from '../../support/app.ts';
import { followTurn, toFollowing, toQuestion } from '../../support/clients.ts';
import { type FollowedEvent, toFollowedEvent, toFollowedEvents } from '../../support/clients-events.ts';
import {
  createGate,
  type Gate,
  type ScriptEvent,
  status,
  stream,
  textResponse,
} from '../../support/fake-backend-script.ts';
import { ask, describeTable, type MovingApp, startMovingApp, succeed } from '../../support/moving.ts';
import { twoToolRounds } from '../../support/streams.ts';

let moving: MovingApp;
let toolTurn: readonly FollowedEvent[];
beforeAll(async () => {
  moving = await startMovingApp();
  moving.fake.reply(stream(THINKING_WITH_TOOLS));
  toolTurn = toFollowedEvents(
    await Array.fromAsync(followTurn(moving.app, toQuestion('When is high tide?'))),
  );
});
afterAll(() => moving[Symbol.asyncDispose]());

const THINKING_WITH_TOOLS: readonly ScriptEvent[] = [
  ...twoToolRounds.slice(0, 1),
  { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta: 'Tides.' },
  ...twoToolRounds.slice(1),
];

const pick = (typename: string): FollowedEvent => {
  const event = toolTurn.find(({ __typename }) => __typename === typename);
  if (event === undefined) throw new Error(`There is no ${typename}`);
  return event;
};

/** A turn that has said "One " and waits. */
async function startWaiting(act: (event: FollowedEvent, gate: Gate) => Promise<void>) {
  const gate = createGate();
  const script = stream(textResponse('One two', { pieces: ['One ', 'two'] }), { holds: { 5: gate } });
  moving.fake.reply(script);
  const events: FollowedEvent[] = [];
  for await (const payload of followTurn(moving.app, toQuestion('Count.'))) {
    const event = toFollowedEvent(payload);
    events.push(event);
    if (event.token === 'One ') await act(event, gate);
  }
  gate.release();
  return events;
}

/** The backend says nothing before the start has been seen. */
async function seeStart() {
  const gate = createGate();
  moving.fake.reply(stream(textResponse('Yes'), { holds: { 0: gate } }));
  const events: FollowedEvent[] = [];
  for await (const payload of followTurn(moving.app, toQuestion('Start?'))) {
    events.push(toFollowedEvent(payload));
    gate.release();
  }
  expect(events[0]).toMatchObject({ __typename: 'StartEvent', turnId: expect.any(String) });
  return events[0];
}

function seeTokens() {
  const tokens = toolTurn.filter(({ __typename }) => __typename === 'TokenEvent');
  expect(tokens.length).toBeGreaterThan(1);
  expect(tokens.map(({ chunkId }) => chunkId)).toEqual(tokens.map((_, index) => index));
  return tokens;
}

function seeToolCall() {
  const call = pick('ToolCallEvent');
  expect(call).toMatchObject({ toolCallId: 'mcp_1', name: 'tide_table', kind: 'MCP_CALL' });
  expect(call.seq).toBeLessThan(pick('ToolResultEvent').seq);
  return call;
}

function seeToolResult() {
  expect(pick('ToolResultEvent')).toMatchObject({
    toolCallId: 'mcp_1',
    status: 'SUCCESS',
    rawStatus: expect.any(String),
  });
  return pick('ToolResultEvent');
}

function seeTurnComplete() {
  const answer = seeTokens().map(({ token }) => token);
  for (const part of answer) expect(pick('TurnCompleteEvent').answer).toContain(part);
  return pick('TurnCompleteEvent');
}

async function seeEnd() {
  expect(toolTurn.at(-1)).toBe(pick('EndEvent'));
  expect(pick('EndEvent')).toMatchObject({
    usage: { inputTokens: 12 },
    referencedDocuments: [],
    availableQuotas: [],
    truncated: false,
  });
  const { data } = await succeed(moving.app, {
    query: `{ turn(id: "${pick('EndEvent').turnId}") { status } }`,
  });
  expect(data).toEqual({ turn: { status: 'COMPLETED' } });
  return pick('EndEvent');
}

async function seeError() {
  moving.fake.reply(status(400, { error: { message: 'no such thing' } }));
  const events = toFollowedEvents(await Array.fromAsync(followTurn(moving.app, toQuestion('Fail.'))));
  expect(events.at(-1)).toMatchObject({
    __typename: 'ErrorEvent',
    code: 'BACKEND_ERROR',
    message: expect.any(String),
    cause: expect.stringContaining('no such thing'),
  });
  return events;
}

async function seeInterrupted() {
  const query = 'mutation ($id: ID!) { cancelTurn(input: { turnId: $id }) { outcome } }';
  const events = await startWaiting(async ({ turnId }) => {
    await succeed(moving.app, { query, variables: { id: turnId } });
  });
  expect(events.at(-1)).toMatchObject({
    __typename: 'InterruptedEvent',
    reason: 'CANCELLED',
    answer: 'One ',
  });
  return events;
}

async function seeWarning() {
  const small = { provider: 'small', model: 'fake-model' };
  const { turn } = await ask(moving.app, { ...small, query: `First? ${'x'.repeat(300)}` });
  const { conversationId } = turn;
  await ask(moving.app, { ...small, conversationId, query: 'Second?' });
  const question = toQuestion('Third?', { ...small, conversationId });
  const events = toFollowedEvents(await Array.fromAsync(followTurn(moving.app, question)));
  const warnings = events.filter(({ __typename }) => __typename === 'WarningEvent');
  expect(warnings).toContainEqual(expect.objectContaining({ warning: 'HISTORY_TRUNCATED' }));
  return warnings;
}

/** A second node takes over a turn whose lease has run out, and hears of a later cursor than was stored. */
async function seeReset() {
  await using database = openDatabase({ url: moving.app.databaseUrl, poolSize: 2 });
  const { driver } = database;
  await using _other = await startTestApp({
    databaseUrl: moving.app.databaseUrl,
    backend: moving.fake.url,
    config: { turns: { leaseMs: 500 } },
  });
  let [turnId, seq] = ['', 0];
  const followed = startWaiting(async (event, gate) => {
    ({ turnId, seq } = event);
    const countStored = async () =>
      (await driver`SELECT max(last_seq) AS last FROM turn_event_batch WHERE turn_id = ${turnId}`)[0]?.last;
    await expect.poll(countStored).toBe(event.seq);
    // Its owner is alive and renews the lease meanwhile.
    const expire = async () =>
      (
        await driver`UPDATE turn SET lease_until = now() - interval '1 second'
        WHERE id = ${turnId} AND status = 'RUNNING' RETURNING id`
      ).length;
    await expect.poll(expire, { timeout: 20_000 }).toBe(0);
    gate.release();
  });
  // Who follows it at its former owner is told to connect again, and does so with the last cursor.
  await expect(followed).rejects.toMatchObject({ code: 1012 });
  const after = toCursor(toCursorPrefix(turnId), 1, seq + 5);
  const events = toFollowedEvents(await Array.fromAsync(followTurn(moving.app, toFollowing(turnId, after))));
  expect(events.map(({ __typename }) => __typename)).toEqual(['ResetEvent', 'InterruptedEvent']);
  expect(events.at(-1)).toMatchObject({ reason: 'SERVER_LOST' });
  return [pick('ReasoningEvent'), events];
}

describeTable('Which event is which?', {
  start: seeStart,
  token: seeTokens,
  tool_call: seeToolCall,
  tool_result: seeToolResult,
  turn_complete: seeTurnComplete,
  end: seeEnd,
  error: seeError,
  interrupted: seeInterrupted,
  compaction: seeWarning,
  '+ ReasoningEvent, ResetEvent': seeReset,
});
