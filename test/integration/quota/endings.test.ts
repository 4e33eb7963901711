/** Every way in which a turn can end is charged once: what the ledger says is what the turn used, and nothing stays reserved. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  collectUntil,
  createViewer,
  joinTokens,
  startTestEngine,
  type TestEngine,
} from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, type Script, status, stream } from '../../support/fake-backend-script.ts';
import { findBookErrors, readBalances, readLedger, toLimiter } from '../../support/quotas.ts';
import { twoToolRounds } from '../../support/streams.ts';
import {
  BACKEND_ENDINGS,
  BEGUN,
  type Ending,
  events,
  SPOKEN,
  type Started,
} from '../../support/turn-endings.ts';

/** A question at which the shield looks and looks. */
const PONDERED = 'Hmm?';
const SHIELD = { id: 'guard', provider: 'fake', model: 'guard-1', message: 'Not this.' };

let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({ models: ['fake-model', 'guard-1'].map((id) => ({ id, object: 'model' })) });
  fake.on('POST /v1/moderations', ({ body }) =>
    body.input === PONDERED
      ? { kind: 'silence' }
      : status(200, {
          id: 'm',
          model: 'm',
          results: [{ flagged: body.input === 'Forbidden?', categories: {} }],
        }),
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

const hasSpoken = (seen: readonly TurnEvent[]): boolean => joinTokens(seen).length > 8;
const hasCalled = (seen: readonly TurnEvent[]): boolean => seen.some(({ type }) => type === 'tool_result');
const held = (after: number): Script => ({ ...stream(events), holds: { [after]: createGate() } });
const interrupted = (interruptReason: string) => ({ status: 'INTERRUPTED', interruptReason });
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

async function cancelAtShield({ viewer, turn }: Started): Promise<void> {
  await expect.poll(() => fake.journal.some(({ body }) => body.input === PONDERED)).toBe(true);
  await node.engine.cancel(viewer, turn.id);
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
  ...BACKEND_ENDINGS,
  {
    what: 'blocked by a shield',
    input: { query: 'Forbidden?' },
    turn: { status: 'COMPLETED', finishReason: 'SHIELD_BLOCKED' },
    usage: 'NONE',
  },
  {
    what: 'cancelled while a shield looks',
    input: { query: PONDERED },
    stop: cancelAtShield,
    turn: interrupted('CANCELLED'),
    usage: 'NONE',
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
    until: hasSpoken,
    stop: ({ viewer, turn }) => node.engine.cancel(viewer, turn.id),
    turn: interrupted('CANCELLED'),
    usage: 'ESTIMATED',
  },
  {
    what: 'cancelled between the tools and the text',
    script: { ...stream(twoToolRounds), holds: { 2: createGate() } },
    until: hasCalled,
    stop: ({ viewer, turn }) => node.engine.cancel(viewer, turn.id),
    turn: interrupted('CANCELLED'),
    usage: 'ESTIMATED',
  },
  {
    what: 'without followers',
    script: held(SPOKEN),
    input: { onDisconnect: 'CANCEL' },
    until: hasSpoken,
    turn: interrupted('DISCONNECTED'),
    usage: 'ESTIMATED',
  },
  {
    what: 'superseded',
    script: held(SPOKEN),
    until: hasSpoken,
    stop: supersede,
    turn: interrupted('SUPERSEDED'),
    usage: 'ESTIMATED',
  },
  {
    what: 'with its conversation deleted',
    script: held(SPOKEN),
    until: hasSpoken,
    stop: deleteConversation,
    turn: interrupted('CONVERSATION_DELETED'),
    usage: 'ESTIMATED',
  },
  {
    what: 'lost with its node in the text',
    script: held(SPOKEN),
    until: hasSpoken,
    stop: loseNode,
    turn: interrupted('SERVER_LOST'),
    usage: 'ESTIMATED',
  },
];

it.each(ENDINGS)('$what', async ({ script, input, stop, until, turn: expected, usage }) => {
  const viewer = createViewer();
  if (script) fake.reply(script);
  const calls = fake.responses.length;
  const { turn } = await node.engine.start(viewer, { query: 'Count.', ...input });
  const follow = { viewer, input: { turnId: turn.id } };
  if (until) await collectUntil(node.engine, follow, until);
  else if (stop && script) await fake.received(calls + 1);
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
