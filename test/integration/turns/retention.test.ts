/** What is forgotten of turns that have been over for long, and what a client then meets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toCursor, toCursorPrefix } from '../../../src/lib/cursor.ts';
import { newId } from '../../../src/lib/ids.ts';
import { expireTurns, registerExpireTurns } from '../../../src/turns/expire-turns.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { registerUploadSweep } from '../../../src/uploads/uploads.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { startTestJobs } from '../../support/jobs.ts';

const RETENTION_MS = 24 * 3_600_000;
const viewer = createViewer();
let db: TestDatabase;
let fake: FakeBackend;
let nodes: readonly [TestEngine, TestEngine];

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  const options = { databaseUrl: db.url, backend: fake.url };
  nodes = [await startTestEngine(options), await startTestEngine(options)];
});
afterAll(async () => {
  for (const node of nodes) await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const expire = (node: TestEngine) =>
  expireTurns({ database: node.database, retentionMs: RETENTION_MS }, new AbortController().signal);

async function ask(clientTurnId: string, who: Viewer = viewer): Promise<readonly TurnEvent[]> {
  const { turn } = await nodes[0].engine.start(who, { query: 'Old?', clientTurnId });
  return collectEvents(nodes[0].engine, who, { turnId: turn.id });
}

/** As if the turn had ended so many hours ago. */
async function age(turnId: string, hours: number): Promise<void> {
  await db.database.driver`
    UPDATE turn SET completed_at = now() - make_interval(hours => ${hours}) WHERE id = ${turnId}`;
}

async function countRows(turnId: string): Promise<number> {
  const [row] = await db.database.driver<{ count: number }[]>`
    SELECT ((SELECT count(*) FROM turn_event_batch WHERE turn_id = ${turnId})
      + (SELECT count(*) FROM turn_epoch WHERE turn_id = ${turnId}))::int AS count`;
  return row?.count ?? 0;
}

const cursorOf = (event: TurnEvent | undefined): string =>
  event ? toCursor(toCursorPrefix(event.turnId), event.epoch, event.seq) : '';

/** An ended turn of many rows, each with one token. */
async function insertLongTurn(count: number, hours: number): Promise<string> {
  const [event] = await ask(newId());
  const turnId = event?.turnId ?? '';
  await db.database.driver`DELETE FROM turn_event_batch WHERE turn_id = ${turnId} AND first_seq > 1`;
  await db.database.driver`
    INSERT INTO turn_event_batch (turn_id, first_seq, last_seq, epoch, events)
    SELECT ${turnId}, seq, seq, 1, json_build_array(json_build_array(0, seq, 'x')) FROM generate_series(2, ${count}) AS seq`;
  await db.database.driver`UPDATE turn SET last_seq = ${count} WHERE id = ${turnId}`;
  await age(turnId, hours);
  return turnId;
}

describe('after the retention time', () => {
  it('events, epochs and the key of an ended turn are deleted, and nothing else of it', async () => {
    const events = await ask('forgotten');
    const turnId = events[0]?.turnId ?? '';
    await db.database.driver`INSERT INTO turn_epoch (turn_id, epoch, first_seq) VALUES (${turnId}, 2, 99)`;
    await age(turnId, 25);
    const before = await nodes[1].engine.get(viewer, turnId);
    expect(await expire(nodes[0])).toBe(1);
    expect(await countRows(turnId)).toBe(0);
    expect(await nodes[1].engine.get(viewer, turnId)).toEqual({ ...before, clientTurnId: null });
    expect(await expire(nodes[0])).toBe(0);
  });

  it('a cursor of the turn is CURSOR_EXPIRED, and without one come Start, TurnComplete and the end', async () => {
    const events = await ask('expired');
    const turnId = events[0]?.turnId ?? '';
    await age(turnId, 25);
    await expire(nodes[1]);
    const signal = AbortSignal.timeout(20_000);
    const following = nodes[0].engine.follow(viewer, { turnId, after: cursorOf(events[2]) }, signal);
    await expect(following).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    const made = await collectEvents(nodes[0].engine, viewer, { turnId });
    expect(made.map(({ type }) => type)).toEqual(['start', 'turn_complete', 'end']);
  });

  it('the same key is a new turn, and another question under it no conflict', async () => {
    const [first] = await ask('again');
    await age(first?.turnId ?? '', 25);
    await expire(nodes[0]);
    const [second] = await ask('again');
    expect(second?.turnId).not.toBe(first?.turnId);
    await age(second?.turnId ?? '', 25);
    await expire(nodes[1]);
    const other = await nodes[1].engine.start(viewer, { query: 'Else?', clientTurnId: 'again' });
    expect(other.created).toBe(true);
    await collectEvents(nodes[1].engine, viewer, { turnId: other.turn.id });
  });

  it('while the key lives, a turn whose events are gone is attached to and made anew from its row', async () => {
    const [first] = await ask('lives');
    const turnId = first?.turnId ?? '';
    await db.database.driver`DELETE FROM turn_event_batch WHERE turn_id = ${turnId}`;
    const again = await nodes[1].engine.start(viewer, { query: 'Old?', clientTurnId: 'lives' });
    expect(again).toMatchObject({ created: false, turn: { id: turnId } });
    const made = await collectEvents(nodes[1].engine, viewer, { turnId });
    expect(made.map(({ type }) => type)).toEqual(['start', 'turn_complete', 'end']);
  });

  it('somebody who replays the turn at that moment is told CURSOR_EXPIRED, and never sees a hole', async () => {
    const turnId = await insertLongTurn(80, 25);
    const seen: number[] = [];
    const reading = (async () => {
      const signal = AbortSignal.timeout(20_000);
      for await (const batch of await nodes[1].engine.follow(viewer, { turnId }, signal)) {
        seen.push(...batch.map(({ seq }) => seq));
        await expire(nodes[0]);
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual(seen.map((_, index) => index + 1));
  });
});

describe('before that time', () => {
  it('everything of an ended turn is there, to the hour', async () => {
    const events = await ask('young');
    const turnId = events[0]?.turnId ?? '';
    await age(turnId, 23);
    expect(await expire(nodes[0])).toBe(0);
    expect(await collectEvents(nodes[1].engine, viewer, { turnId })).toEqual(events);
    expect((await nodes[1].engine.get(viewer, turnId)).clientTurnId).toBe('young');
  });

  it('a turn that runs is never touched, however long ago it began', async () => {
    const gate = createGate();
    fake.reply({ ...stream(textResponse('Held.')), holds: { 5: gate } });
    const { turn } = await nodes[0].engine.start(viewer, { query: 'Long?', clientTurnId: 'running' });
    await db.database.driver`
      UPDATE turn SET started_at = now() - interval '30 days' WHERE id = ${turn.id}`;
    expect(await expire(nodes[1])).toBe(0);
    gate.release();
    const events = await collectEvents(nodes[0].engine, viewer, { turnId: turn.id });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)).toMatchObject({ type: 'end' });
  });
});

describe('two nodes at once', () => {
  it('share what is to be deleted: each turn is counted once, and none is left', async () => {
    const [event] = await ask('many');
    const conversation = (await nodes[0].engine.get(viewer, event?.turnId ?? '')).conversationId;
    await db.database.driver`
      INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model, completed_at)
      SELECT gen_random_uuid(), 'old', ${conversation}, '', '{}', 'COMPLETED', '', 'p', 'm', now() - interval '2 days'
      FROM generate_series(1, 1700)`;
    await db.database.driver`
      INSERT INTO turn_event_batch (turn_id, first_seq, last_seq, epoch, events)
      SELECT id, seq, seq, 1, '[]' FROM turn, generate_series(1, 3) AS seq WHERE owner_id = 'old'`;
    const expired = await Promise.all([...nodes, ...nodes].map(expire));
    const last = await expire(nodes[0]);
    expect(expired.reduce((sum, count) => sum + count, last)).toBe(1_700);
    const left = await db.database.driver`
      SELECT 1 FROM turn JOIN turn_event_batch ON turn_id = turn.id WHERE owner_id = 'old' OR events_kept = false`;
    expect(left).toHaveLength(0);
  });
});

describe('the job', () => {
  it('is put in every ten minutes for all nodes, and deletes old turns and uploads on one of them', async () => {
    const [event] = await ask('by a job');
    await age(event?.turnId ?? '', 25);
    await db.database.driver`
      INSERT INTO upload (id, owner_id, content_type, bytes, byte_size, created_at)
      VALUES (${newId()}, 'old', 'text/plain', 'x', 1, now() - interval '61 minutes')`;
    await using jobs = await startTestJobs(db.url);
    registerExpireTurns(jobs, { database: db.database, retentionMs: RETENTION_MS });
    registerUploadSweep(jobs, db);
    await jobs.start();
    const schedules = await db.database.driver`SELECT name, cron FROM pgboss.schedule`;
    expect(schedules).toContainEqual({ name: 'expire-turns', cron: '*/10 * * * *' });
    expect(schedules).toContainEqual({ name: 'sweep-uploads', cron: '5,35 * * * *' });
    for (const name of ['expire-turns', 'sweep-uploads', 'expire-turns'] as const) {
      await db.database.asWorker((tx) => jobs.enqueue(tx, { name, payload: {} }));
    }
    const waiting = await db.database.driver`
      SELECT 1 FROM pgboss.job WHERE name = 'expire-turns' AND state = 'created'`;
    expect(waiting.length).toBeLessThanOrEqual(1);
    await expect.poll(() => countRows(event?.turnId ?? ''), { timeout: 20_000 }).toBe(0);
    const countUploads = async () => (await db.database.driver`SELECT 1 FROM upload`).length;
    await expect.poll(countUploads, { timeout: 20_000 }).toBe(0);
  });
});
