/** Who may end the turns of a node that is gone, and when: once, by one, and by nobody who has just come back. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrateDatabase } from '../../../src/db/migrate.ts';
import { encodeEvents } from '../../../src/event-log/codec.ts';
import { newId } from '../../../src/lib/ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createViewer, startTestEngine, type TestEngineOptions } from '../../support/engine.ts';
import { toEvent } from '../../support/events.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { startTestPostgres } from '../../support/postgres.ts';

const viewer = createViewer();
let db: TestDatabase;
let fake: FakeBackend;
let options: TestEngineOptions;

beforeEach(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  options = { databaseUrl: db.url, backend: fake.url, config: { turns: { leaseMs: 1_000 } }, poolSize: 4 };
});
afterEach(async () => {
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** Turns of a node that is gone, as it left them: each with its first event, and no more. */
async function insertOrphans(count: number): Promise<readonly string[]> {
  const { driver } = db.database;
  const ids = Array.from({ length: count }, () => newId());
  const start = { type: 'start', conversationId: 'c', provider: 'fake', model: 'fake-model' } as const;
  for (const turnId of ids) {
    const events = encodeEvents([toEvent(start, 1, { turnId, epoch: 1 })]);
    await driver`INSERT INTO conversation (id, owner_id) VALUES (${turnId}, ${viewer.id})`;
    await driver`
      INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model, lease_owner, lease_until)
      VALUES (${turnId}, ${viewer.id}, ${turnId}, 'f', '{}', 'RUNNING', 'Count.', 'fake', 'fake-model', 'gone', now() - interval '1 s')`;
    await driver`
      INSERT INTO turn_event_batch (turn_id, first_seq, last_seq, epoch, events)
      VALUES (${turnId}, 1, 1, 1, ${events}::text::json)`;
  }
  return ids;
}

async function countRunning(): Promise<number> {
  const [row] = await db.database.driver<{ count: number }[]>`
    SELECT count(*)::int AS count FROM turn WHERE status = 'RUNNING'`;
  return row?.count ?? 0;
}

describe('orphans', () => {
  it('P6: 200 that four nodes sweep at once are ended exactly once each', async () => {
    await insertOrphans(200);
    await using nodes = new AsyncDisposableStack();
    for (let node = 0; node < 4; node += 1) nodes.use(await startTestEngine(options));
    await expect.poll(countRunning, { timeout: 25_000 }).toBe(0);
    const [counted] = await db.database.driver`
      SELECT count(*)::int AS turns,
        count(*) FILTER (WHERE interrupt_reason = 'SERVER_LOST' AND fence = 2 AND last_seq = 2)::int AS ended,
        (SELECT count(*)::int FROM turn_epoch WHERE epoch = 2 AND first_seq = 2) AS epochs,
        (SELECT count(*)::int FROM turn_event_batch) AS batches,
        (SELECT count(*)::int FROM conversation WHERE message_count = 1) AS counted
      FROM turn`;
    expect(counted).toEqual({ turns: 200, ended: 200, epochs: 200, batches: 400, counted: 200 });
  });

  it.each([
    ['that cannot be read', '{"no": "list"}'],
    ['that the database will not keep', '[{"at": 1, "type": "tool_call", "toolCallId": "t", "args": {}}]'],
  ])('are ended, with the text before it, also when their log has something %s', async (_what, events) => {
    const [turnId = ''] = await insertOrphans(1);
    const token = encodeEvents([toEvent({ type: 'token', chunkId: 0, token: 'High tide' }, 2)]);
    for (const [seq, batch] of [token, events].entries()) {
      await db.database.driver`
        INSERT INTO turn_event_batch (turn_id, first_seq, last_seq, epoch, events)
        VALUES (${turnId}, ${seq + 2}, ${seq + 2}, 1, ${batch}::text::json)`;
    }
    await using _node = await startTestEngine(options);
    await expect.poll(countRunning, { timeout: 25_000 }).toBe(0);
    const [row] = await db.database.driver`SELECT answer, interrupt_reason, last_seq FROM turn`;
    expect(row).toEqual({ answer: 'High tide', interrupt_reason: 'SERVER_LOST', last_seq: 4 });
  });

  it('are left alone by a node until it has been in touch with the database for a whole lease', async () => {
    const [turnId = ''] = await insertOrphans(1);
    const [before] = await db.database.driver<{ at: string }[]>`SELECT clock_timestamp() AS at`;
    await using _node = await startTestEngine(options);
    await expect.poll(countRunning, { timeout: 25_000 }).toBe(0);
    const [row] = await db.database.driver<{ ms: number }[]>`
      SELECT (extract(epoch FROM completed_at - ${before?.at ?? ''}::timestamptz) * 1000)::float8 AS ms
      FROM turn WHERE id = ${turnId}`;
    expect(row?.ms).toBeGreaterThanOrEqual(1_000);
  });

  it('are no turns whose owner was only away from the database as long as everybody else', async () => {
    await using postgres = await startTestPostgres();
    await migrateDatabase(postgres.url);
    const leaseMs = 3_000;
    const settings = { ...options, databaseUrl: postgres.url, config: { turns: { leaseMs } } };
    await using owner = await startTestEngine(settings);
    await using _other = await startTestEngine(settings);
    const gate = createGate();
    fake.reply({ ...stream(textResponse('Done.')), holds: { 5: gate } });
    const { turn } = await owner.engine.start(viewer, { query: 'Count.' });
    // Both have been there for a lease when the database goes.
    const isSettled = async () => {
      const stored = await owner.database.asWorker(async (tx) =>
        tx.execute<{ settled: boolean }>(
          `SELECT now() - started_at > interval '${leaseMs * 2} ms' AS settled FROM turn WHERE id = '${turn.id}'`,
        ),
      );
      return stored[0]?.settled;
    };
    await expect.poll(isSettled, { timeout: 20_000 }).toBe(true);
    const stoppedAt = performance.now();
    await postgres.stop();
    await expect.poll(() => performance.now() - stoppedAt, { timeout: 20_000 }).toBeGreaterThan(leaseMs);
    await postgres.start();
    const isRenewed = async () => {
      const rows = await owner.database
        .asWorker((tx) =>
          tx.execute<{ ok: boolean }>(`SELECT lease_until > now() AS ok FROM turn WHERE id = '${turn.id}'`),
        )
        .catch(() => []);
      return rows[0]?.ok;
    };
    await expect.poll(isRenewed, { timeout: 20_000 }).toBe(true);
    gate.release();
    expect(await owner.engine.wait(viewer, turn.id, 20_000)).toMatchObject({ status: 'COMPLETED', fence: 1 });
  }, 90_000);
});
