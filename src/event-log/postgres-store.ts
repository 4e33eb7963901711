/** All SQL of the event log in Postgres: one row per turn and flush. When to write and whom to wake is decided in postgres.ts. */
import { asc, eq, sql } from 'drizzle-orm';
import type { AnyTx, WorkerTx } from '../db/client.ts';
import { turns } from '../db/tables/conversations.ts';
import { turnEpochs, turnEventBatches } from '../db/tables/events.ts';
import type { TurnStatus } from '../types/turn.ts';
import type { LoggedEvent } from '../types/turn-event.ts';
import { type BatchPosition, decodeEvents } from './codec.ts';
import type { EventBatch, LogPosition, StoredLog, TurnLease } from './event-log.ts';
import type { StoredEvents } from './window.ts';

/** Rows read in one step: bounds the memory that one follower takes. */
const PAGE_BATCHES = 32;

function toArrays(batches: readonly EventBatch[]) {
  const column = <Key extends keyof EventBatch>(key: Key) => sql.param(batches.map((batch) => batch[key]));
  return sql`unnest(${column('turnId')}::uuid[], ${column('fence')}::int[], ${column('firstSeq')}::int[],
    ${column('lastSeq')}::int[], ${column('events')}::text[]) AS batch (turn_id, fence, first_seq, last_seq, events)`;
}

/**
 * Stores the batches of those turns whose fence still holds, all in one statement, and returns the ids of these turns.
 * The rows are locked before anything is inserted: a plain comparison would read a snapshot in which the fence still held.
 */
export async function insertFenced(
  tx: WorkerTx,
  batches: readonly EventBatch[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.execute<{ id: string }>(sql`
    WITH batch AS MATERIALIZED (SELECT * FROM ${toArrays(batches)}),
    held AS (
      SELECT turn.id FROM turn
      WHERE (turn.id, turn.fence) IN (SELECT turn_id, fence FROM batch) AND turn.status = 'RUNNING'
      ORDER BY turn.id FOR SHARE
    ),
    stored AS (
      INSERT INTO turn_event_batch (turn_id, first_seq, last_seq, epoch, events)
      SELECT batch.turn_id, batch.first_seq, batch.last_seq, batch.fence, batch.events::json
      FROM batch JOIN held ON held.id = batch.turn_id
      ON CONFLICT (turn_id, first_seq) DO NOTHING
    )
    SELECT id FROM held`);
  return new Set(rows.map((row) => row.id));
}

/** Stores batches whose fence the same transaction has already checked. */
export async function insertBatches(tx: AnyTx, batches: readonly EventBatch[]): Promise<void> {
  if (batches.length === 0) return;
  await tx.execute(sql`
    INSERT INTO turn_event_batch (turn_id, first_seq, last_seq, epoch, events)
    SELECT turn_id, first_seq, last_seq, fence, events::json FROM ${toArrays(batches)}
    ON CONFLICT (turn_id, first_seq) DO NOTHING`);
}

export async function insertEpoch(tx: WorkerTx, lease: TurnLease, firstSeq: number): Promise<void> {
  await tx.insert(turnEpochs).values({ turnId: lease.turnId, epoch: lease.fence, firstSeq });
}

/** A batch that cannot be read does not hide those before it, nor how far the log goes: its turn is still to be ended. */
export async function selectAllEvents(tx: WorkerTx, turnId: string): Promise<StoredLog> {
  const rows = await tx
    .select({
      firstSeq: turnEventBatches.firstSeq,
      lastSeq: turnEventBatches.lastSeq,
      epoch: turnEventBatches.epoch,
      events: sql<string>`${turnEventBatches.events}::text`,
    })
    .from(turnEventBatches)
    .where(eq(turnEventBatches.turnId, turnId))
    .orderBy(asc(turnEventBatches.firstSeq));
  const lastSeq = rows.at(-1)?.lastSeq ?? 0;
  const events: LoggedEvent[] = [];
  for (const row of rows) {
    const batch = tryDecode(row.events, { ...row, turnId });
    if (batch === undefined) return { events, lastSeq, isDamaged: true };
    for (const event of batch) events.push(event);
  }
  return { events, lastSeq, isDamaged: false };
}

function tryDecode(text: string, position: BatchPosition): readonly LoggedEvent[] | undefined {
  try {
    return decodeEvents(text, position);
  } catch {
    return undefined;
  }
}

export interface StoredState {
  readonly status: TurnStatus;
  readonly fence: number;
  /** Sequence number of the terminal event; 0 while the turn runs. */
  readonly lastSeq: number;
}

export async function selectState(tx: WorkerTx, turnId: string): Promise<StoredState | undefined> {
  const rows = await tx
    .select({ status: turns.status, fence: turns.fence, lastSeq: turns.lastSeq })
    .from(turns)
    .where(eq(turns.id, turnId));
  return rows[0];
}

/** How far the stored log of a turn has come. */
export interface StoredHead {
  readonly isRunning: boolean;
  /** Its owner keeps its lease: what it says is being stored. */
  readonly isHeld: boolean;
  readonly fence: number;
  readonly lastSeq: number;
}

/** How far the stored logs of these turns have come, in one statement. */
export async function selectHeads(
  tx: WorkerTx,
  turnIds: readonly string[],
): Promise<ReadonlyMap<string, StoredHead>> {
  const rows = await tx.execute<{
    id: string;
    running: boolean;
    held: boolean;
    fence: number;
    last_seq: number;
  }>(sql`
    SELECT id, status = 'RUNNING' AS running, COALESCE(lease_until > now(), false) AS held, fence, COALESCE((
      SELECT batch.last_seq FROM turn_event_batch AS batch
      WHERE batch.turn_id = turn.id ORDER BY first_seq DESC LIMIT 1), 0) AS last_seq
    FROM turn WHERE id = ANY (${sql.param([...turnIds])}::uuid[])`);
  return new Map(
    rows.map(({ id, running: isRunning, held: isHeld, fence, last_seq: lastSeq }) => [
      id,
      { isRunning, isHeld, fence, lastSeq },
    ]),
  );
}

/** The first later epoch that starts at or before the position: everything from its first event on is void for the reader. */
export async function selectOvertaking(
  tx: WorkerTx,
  position: LogPosition,
): Promise<{ readonly firstSeq: number } | undefined> {
  const rows = await tx.execute<{ first_seq: number }>(sql`
    SELECT first_seq FROM turn_epoch
    WHERE turn_id = ${position.turnId} AND epoch > ${position.epoch} AND first_seq <= ${position.seq}
    ORDER BY epoch LIMIT 1`);
  const row = rows[0];
  return row && { firstSeq: row.first_seq };
}

/**
 * A page of events after the position, oldest first; empty when nothing is stored there. Batches do not overlap, so the
 * newest that begins at or before the position is where to begin: without it all that was read before would be read again.
 */
export async function selectEventsAfter(tx: WorkerTx, position: LogPosition): Promise<StoredEvents> {
  const rows = await tx.execute<{ first_seq: number; epoch: number; events: string }>(sql`
    SELECT first_seq, epoch, events::text AS events FROM turn_event_batch
    WHERE turn_id = ${position.turnId} AND last_seq > ${position.seq} AND first_seq >= COALESCE((
      SELECT max(first_seq) FROM turn_event_batch WHERE turn_id = ${position.turnId} AND first_seq <= ${position.seq}), 0)
    ORDER BY first_seq LIMIT ${PAGE_BATCHES}`);
  const events = rows
    .flatMap((row) =>
      decodeEvents(row.events, { turnId: position.turnId, firstSeq: row.first_seq, epoch: row.epoch }),
    )
    .filter((event) => event.seq > position.seq);
  return { events, size: rows.reduce((sum, row) => sum + row.events.length, 0) };
}
