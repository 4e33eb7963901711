/** A node whose connections are all taken by questions keeps its turns, and ends those that others left behind. */
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../support/engine.ts';
import { startFakeBackend } from '../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../support/fake-backend-script.ts';

const viewer = createViewer();
const POOL_SIZE = 2;
/** Several leases long, and shorter than what a statement may take. */
const CROWD_S = 8;

/** Takes every connection of the node's pool; resolves when all are given back. */
async function crowd({ database }: TestEngine): Promise<void> {
  const hold = () => database.asWorker((tx) => tx.execute(sql`SELECT pg_sleep(${CROWD_S})`));
  await Promise.all(Array.from({ length: POOL_SIZE }, hold));
}

async function startHeld(leaseMs: number) {
  await using undo = new AsyncDisposableStack();
  const fake = undo.use(await startFakeBackend());
  const db = undo.use(await createTestDatabase());
  const gate = createGate();
  fake.reply({ ...stream(textResponse('One two.')), holds: { 5: gate } });
  const options = { databaseUrl: db.url, backend: fake.url, config: { turns: { leaseMs, flushMs: 20 } } };
  const crowded = undo.use(await startTestEngine({ ...options, poolSize: POOL_SIZE }));
  const other = undo.use(await startTestEngine(options));
  undo.defer(async () => gate.release());
  return { db, gate, crowded, other, resources: undo.move() };
}

it('P6: a node with a full pool loses none of its turns', async () => {
  const { gate, crowded, other, resources } = await startHeld(2_000);
  await using _resources = resources;
  const { turn } = await crowded.engine.start(viewer, { query: 'Count.' });
  await crowd(crowded);
  gate.release();
  const events = await collectEvents(other.engine, viewer, { turnId: turn.id });
  expect(events.at(-1)).toMatchObject({ type: 'end', finishReason: 'STOP' });
}, 60_000);

it('P6: a node with a full pool ends what another left behind', async () => {
  const { db, crowded, other, resources } = await startHeld(2_000);
  await using _resources = resources;
  const { turn } = await other.engine.start(viewer, { query: 'Count.' });
  const crowding = crowd(crowded);
  // As if its node had been killed: nobody renews it, and only the crowded one is there to see.
  await db.database.driver`UPDATE turn SET fence = fence + 1, lease_until = now() WHERE id = ${turn.id}`;
  const readStatus = async () => (await db.database.driver`SELECT status FROM turn WHERE id = ${turn.id}`)[0];
  await other[Symbol.asyncDispose]();
  await expect.poll(readStatus, { timeout: (CROWD_S - 2) * 1_000 }).toMatchObject({ status: 'INTERRUPTED' });
  await crowding;
}, 60_000);
