/** The database is away at the moment at which a turn is to be charged: charged it is, once. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { migrateDatabase } from '../../../src/db/migrate.ts';
import {
  collectUntil,
  createViewer,
  joinTokens,
  startTestEngine,
  type TestEngine,
} from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { startTestPostgres, type TestPostgres } from '../../support/postgres.ts';
import { findBookErrors, readBalances, readLedger, toLimiter } from '../../support/quotas.ts';

const REPORT = { inputTokens: 30, outputTokens: 12 };
const events = textResponse('One two three.', { pieces: ['One ', 'two ', 'three.'], usage: REPORT });
const viewer = createViewer();
let postgres: TestPostgres;
let fake: FakeBackend;

beforeEach(async () => {
  postgres = await startTestPostgres();
  await migrateDatabase(postgres.url);
  fake = await startFakeBackend();
});
afterEach(async () => {
  await fake[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

function startNode(faults?: string): Promise<TestEngine> {
  const config = { turns: { flushMs: 20, leaseMs: 1_000 }, quotas: { limiters: [toLimiter('each')] } };
  return startTestEngine({ databaseUrl: postgres.url, backend: fake.url, config, ...(faults && { faults }) });
}

/** The backend has one more piece to say, and its report; all that it has said is stored. */
async function startHeld(node: TestEngine) {
  const gate = createGate();
  fake.reply({ ...stream(events), holds: { 6: gate } });
  const { turn } = await node.engine.start(viewer, { query: 'Count.' });
  const follow = { viewer, input: { turnId: turn.id } };
  await collectUntil(node.engine, follow, (seen) => joinTokens(seen) === 'One two ');
  const { driver } = node.database;
  await expect
    .poll(() => driver`SELECT max(last_seq) AS last FROM turn_event_batch WHERE turn_id = ${turn.id}`)
    .toMatchObject([{ last: node.eventLog.lastSeq(turn.id) }]);
  return { turnId: turn.id, gate };
}

/** Waits for the end of the turn and for its charge; how much that is. */
async function readCharge({ engine, database }: TestEngine, turnId: string): Promise<number> {
  await expect
    .poll(() => engine.get(viewer, turnId).catch(() => null), { timeout: 20_000 })
    .not.toMatchObject({ status: 'RUNNING' });
  const [reserved, settled, ...more] = await readLedger(database, turnId);
  expect([reserved?.kind, settled?.kind, more]).toEqual(['RESERVE', 'SETTLE', []]);
  expect(await readBalances(database)).toMatchObject([{ reserved: 0, overrun: 0 }]);
  expect(await findBookErrors(database)).toEqual([]);
  return settled?.amount ?? 0;
}

it('what the backend reported is charged when the database is back', async () => {
  await using node = await startNode();
  const { turnId, gate } = await startHeld(node);
  await postgres.stop();
  gate.release();
  await fake.responses[0]?.closed;
  await postgres.start();
  expect(await readCharge(node, turnId)).toBe(42);
});

it('an estimate is charged when the node went away with the report', async () => {
  const lost = await startNode();
  const { turnId, gate } = await startHeld(lost);
  await postgres.stop();
  gate.release();
  await lost[Symbol.asyncDispose]();
  await postgres.start();
  await using other = await startNode();
  const charge = await readCharge(other, turnId);
  expect(await other.engine.get(viewer, turnId)).toMatchObject({ interruptReason: 'SERVER_LOST' });
  expect(charge).toBeGreaterThan(0);
});

it.each(['seal:before', 'seal:within', 'seal:after'])('lost at %s it is charged once', async (point) => {
  await using node = await startNode(`${point}=throw`);
  const { turnId, gate } = await startHeld(node);
  gate.release();
  expect(await readCharge(node, turnId)).toBe(42);
});
