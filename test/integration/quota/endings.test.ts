/** Every way in which a turn can end is charged once: what the ledger says is what the turn used, and nothing stays reserved. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import type { Turn } from '../../../src/types/turn.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  collectUntil,
  createViewer,
  joinTokens,
  startTestEngine,
  type TestEngine,
} from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, type Script, status, stream, textResponse } from '../../support/fake-backend-script.ts';
import { findBookErrors, readBalances, readLedger, toLimiter } from '../../support/quotas.ts';

const TEXT = 'One two three four five six seven eight nine ten.';
const REPORT = { inputTokens: 30, outputTokens: 12 };
const events = textResponse(TEXT, { usage: REPORT });
/** The response has begun; the first pieces of text have come. */
const [BEGUN, SPOKEN] = [1, 8];
const SHIELD = { id: 'guard', provider: 'fake', model: 'guard-1', message: 'Not this.' };

let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({ models: ['fake-model', 'guard-1'].map((id) => ({ id, object: 'model' })) });
  fake.on('POST /v1/moderations', ({ body }) =>
    status(200, { id: 'm', model: 'm', results: [{ flagged: body.input === 'Forbidden?', categories: {} }] }),
  );
  node = await startNode();
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

function startNode(leaseMs = 15_000): Promise<TestEngine> {
  const limiters = [toLimiter('each'), toLimiter('all', { kind: 'CLUSTER', initialQuota: 10_000_000 })];
  return startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: { quotas: { limiters }, shields: [SHIELD], turns: { flushMs: 20, leaseMs } },
    disconnectGraceMs: 50,
  });
}

/** A response object at the end of a stream that says something else than usual. */
function endedBy(type: string, response: Record<string, unknown>): Script {
  const last = {
    type,
    response: { id: 'resp_1', status: type.slice('response.'.length), output: [], ...response },
  };
  return stream([...events.slice(0, -1), last] as typeof events);
}

interface Started {
  readonly viewer: Viewer;
  readonly turn: Turn;
}

interface Ending {
  readonly what: string;
  /** Absent: the backend is not to be asked. */
  readonly script?: Script;
  readonly input?: Partial<StartTurnInput>;
  /** What ends the turn, where it is not the backend. */
  readonly stop?: (started: Started) => Promise<unknown>;
  /** Whether the text of the script is to be told first. */
  readonly untilSpoken?: boolean;
  readonly turn: object;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | 'ESTIMATED' | 'NONE';
}

const held = (after: number): Script => ({ ...stream(events), holds: { [after]: createGate() } });
const interrupted = (interruptReason: string) => ({ status: 'INTERRUPTED', interruptReason });
const failed = (code: string) => ({ status: 'FAILED', error: { code } });

async function loseNode({ viewer, turn }: Started): Promise<void> {
  await expect
    .poll(async () => {
      const rows = await db.database.driver`SELECT 1 FROM turn_event_batch WHERE turn_id = ${turn.id}`;
      return rows.length;
    })
    .toBeGreaterThan(1);
  await db.database.driver`UPDATE turn SET lease_until = now() - interval '1 second' WHERE id = ${turn.id}`;
  await using other = await startNode(500);
  await other.engine.wait(viewer, turn.id, 10_000);
}

async function deleteConversation({ viewer, turn }: Started): Promise<void> {
  const { conversationId } = turn;
  await db.database.driver`UPDATE conversation SET deleted_at = now() WHERE id = ${conversationId}`;
  await node.engine.interruptConversation(viewer, conversationId, 'CONVERSATION_DELETED');
}

async function supersede({ viewer, turn }: Started): Promise<void> {
  const { conversationId } = turn;
  const next = await node.engine.start(viewer, { query: 'Next?', conversationId, whenBusy: 'INTERRUPT' });
  await node.engine.wait(viewer, next.turn.id, 10_000);
}

const ENDINGS: readonly Ending[] = [
  { what: 'completed', script: stream(events), turn: { status: 'COMPLETED' }, usage: REPORT },
  {
    what: 'completed without a report',
    script: endedBy('response.completed', { usage: null }),
    turn: { status: 'COMPLETED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'completed with half a report',
    script: endedBy('response.completed', { usage: { input_tokens: 4 } }),
    turn: { status: 'COMPLETED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'completed with a negative report',
    script: endedBy('response.completed', { usage: { input_tokens: -4, output_tokens: 10 } }),
    turn: { status: 'COMPLETED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'completed with a report beyond the window',
    script: endedBy('response.completed', { usage: { input_tokens: 900_000_000, output_tokens: 10 } }),
    turn: { status: 'COMPLETED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'incomplete',
    script: endedBy('response.incomplete', {
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { input_tokens: 30, output_tokens: 12 },
    }),
    turn: { status: 'COMPLETED', finishReason: 'MAX_OUTPUT_TOKENS', truncated: true },
    usage: REPORT,
  },
  {
    what: 'refused by the model',
    script: stream(
      events.map((event) =>
        event.type === 'response.output_text.delta' ? { ...event, type: 'response.refusal.delta' } : event,
      ),
    ),
    turn: { status: 'COMPLETED', finishReason: 'REFUSAL' },
    usage: REPORT,
  },
  {
    what: 'blocked by a shield',
    input: { query: 'Forbidden?' },
    turn: { status: 'COMPLETED', finishReason: 'SHIELD_BLOCKED' },
    usage: 'NONE',
  },
  {
    what: 'failed before the first event',
    script: status(500, { error: { message: 'oops' } }),
    turn: failed('BACKEND_ERROR'),
    usage: 'NONE',
  },
  {
    what: 'refused by the backend for its own limits',
    script: status(429, { error: { message: 'slow down' } }),
    turn: failed('RATE_LIMITED'),
    usage: 'NONE',
  },
  {
    what: 'failed after the first event',
    script: endedBy('response.failed', { error: { code: 'server_error', message: 'oops' }, usage: null }),
    turn: { status: 'FAILED' },
    usage: 'ESTIMATED',
  },
  {
    what: 'failed with a report',
    script: endedBy('response.failed', {
      error: { code: 'server_error', message: 'oops' },
      usage: { input_tokens: 30, output_tokens: 12 },
    }),
    turn: { status: 'FAILED' },
    usage: REPORT,
  },
  {
    what: 'broken off in the text',
    script: { ...stream(events), breaks: { after: SPOKEN, how: 'reset' } },
    turn: failed('BACKEND_PROTOCOL'),
    usage: 'ESTIMATED',
  },
  {
    what: 'cancelled before the response had begun',
    script: { kind: 'silence' },
    stop: ({ viewer, turn }) => node.engine.cancel(viewer, turn.id),
    turn: interrupted('CANCELLED'),
    usage: 'NONE',
  },
  {
    what: 'cancelled in the text',
    script: held(SPOKEN),
    untilSpoken: true,
    stop: ({ viewer, turn }) => node.engine.cancel(viewer, turn.id),
    turn: interrupted('CANCELLED'),
    usage: 'ESTIMATED',
  },
  {
    what: 'without followers',
    script: held(SPOKEN),
    input: { onDisconnect: 'CANCEL' },
    untilSpoken: true,
    turn: interrupted('DISCONNECTED'),
    usage: 'ESTIMATED',
  },
  {
    what: 'superseded',
    script: held(SPOKEN),
    untilSpoken: true,
    stop: supersede,
    turn: interrupted('SUPERSEDED'),
    usage: 'ESTIMATED',
  },
  {
    what: 'with its conversation deleted',
    script: held(SPOKEN),
    untilSpoken: true,
    stop: deleteConversation,
    turn: interrupted('CONVERSATION_DELETED'),
    usage: 'ESTIMATED',
  },
  {
    what: 'lost with its node in the text',
    script: held(SPOKEN),
    untilSpoken: true,
    stop: loseNode,
    turn: interrupted('SERVER_LOST'),
    usage: 'ESTIMATED',
  },
  {
    what: 'past its allowance',
    script: stream(textResponse('word '.repeat(20_000))),
    turn: { status: 'COMPLETED', finishReason: 'QUOTA', truncated: true },
    usage: 'ESTIMATED',
  },
];

it.each(ENDINGS)('$what', async ({ script, input, stop, untilSpoken, turn: expected, usage }) => {
  const viewer = createViewer();
  if (script) fake.reply(script);
  const calls = fake.responses.length;
  const { turn } = await node.engine.start(viewer, { query: 'Count.', ...input });
  const follow = { viewer, input: { turnId: turn.id } };
  if (untilSpoken) await collectUntil(node.engine, follow, (seen) => joinTokens(seen).length > 8);
  else if (stop) await fake.received(calls + 1);
  await stop?.({ viewer, turn });
  await node.engine.wait(viewer, turn.id, 10_000).catch(() => undefined);
  const ended = await readTurn(turn.id);
  expect(ended).toMatchObject(expected);
  const spent = ended.inputTokens + ended.outputTokens;
  if (typeof usage === 'object') expect(ended).toMatchObject({ ...usage, usageSource: 'REPORTED' });
  else expect(ended).toMatchObject({ usageSource: usage });
  expect(spent > 0).toBe(usage !== 'NONE');
  const ledger = await readLedger(db.database, turn.id);
  const reserved = ledger[0]?.amount ?? 0;
  const last = usage === 'NONE' ? { kind: 'RELEASE', amount: reserved } : { kind: 'SETTLE', amount: spent };
  expect(ledger.map(({ limiter, kind, amount }) => ({ limiter, kind, amount }))).toEqual(
    ['all', 'each'].flatMap((limiter) => [
      { limiter, kind: 'RESERVE', amount: reserved },
      { limiter, ...last },
    ]),
  );
  const balances = await readBalances(db.database);
  expect(balances.filter((balance) => balance.reserved !== 0 || balance.overrun !== 0)).toEqual([]);
  expect(await findBookErrors(db.database)).toEqual([]);
});

async function readTurn(turnId: string) {
  const [row] = await db.database.driver`
    SELECT status, finish_reason AS "finishReason", interrupt_reason AS "interruptReason", error, truncated,
      input_tokens::float8 AS "inputTokens", output_tokens::float8 AS "outputTokens", usage_source AS "usageSource"
    FROM turn WHERE id = ${turnId}`;
  if (row === undefined) throw new Error('there is no such turn');
  return row;
}

it('a response that had begun is charged, though nothing of it was told', async () => {
  const viewer = createViewer();
  fake.reply({ ...stream(events), breaks: { after: BEGUN, how: 'cut' } });
  const { turn } = await node.engine.start(viewer, { query: 'Count.' });
  await node.engine.wait(viewer, turn.id, 10_000);
  const { inputTokens, usageSource } = await readTurn(turn.id);
  expect([usageSource, inputTokens > 0]).toEqual(['ESTIMATED', true]);
});
