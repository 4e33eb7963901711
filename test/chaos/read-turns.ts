/** Reads all turns with their logs, and the quota's ledger, out of the database, as the checker wants them. */
import type { Sql } from 'postgres';
import { decodeEvents } from '../../src/event-log/codec.ts';
import type { LedgerKind } from '../../src/types/quota.ts';
import type { InterruptReason, TurnStatus } from '../../src/types/turn.ts';
import type { Balance, LedgerRow, StoredBatch, StoredTurn } from './check/types.ts';
import { parseQuestion } from './question.ts';

interface TurnRow {
  readonly id: string;
  readonly query: string;
  readonly status: TurnStatus;
  readonly answer: string;
  readonly interrupt_reason: InterruptReason | null;
  readonly fence: number;
  readonly last_seq: number;
  readonly started_at: Date;
  readonly completed_at: Date | null;
}

interface BatchRow {
  readonly turn_id: string;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly epoch: number;
  readonly events: string;
}

function toBatch(row: BatchRow): StoredBatch {
  const position = { turnId: row.turn_id, firstSeq: row.first_seq, epoch: row.epoch };
  return {
    firstSeq: row.first_seq,
    lastSeq: row.last_seq,
    epoch: row.epoch,
    events: decodeEvents(row.events, position),
  };
}

/** In one snapshot. Throws for a turn that the harness did not ask. */
export async function readTurns(sql: Sql): Promise<readonly StoredTurn[]> {
  const [turns, batches, epochs] = await sql.begin('ISOLATION LEVEL REPEATABLE READ', async (tx) => [
    await tx<
      TurnRow[]
    >`SELECT id, query, status, answer, interrupt_reason, fence, last_seq, started_at, completed_at
      FROM turn ORDER BY started_at, id`,
    await tx<BatchRow[]>`SELECT turn_id, first_seq, last_seq, epoch, events::text AS events
      FROM turn_event_batch ORDER BY turn_id, first_seq`,
    await tx<{ turn_id: string; epoch: number; first_seq: number }[]>`SELECT turn_id, epoch, first_seq
      FROM turn_epoch ORDER BY turn_id, epoch`,
  ]);
  const batchesOf = Map.groupBy(batches, (row) => row.turn_id);
  const epochsOf = Map.groupBy(epochs, (row) => row.turn_id);
  return turns.map((row) => ({
    id: row.id,
    key: parseQuestion(row.query).key,
    status: row.status,
    answer: row.answer,
    interruptReason: row.interrupt_reason,
    fence: row.fence,
    lastSeq: row.last_seq,
    startedAt: row.started_at.getTime(),
    completedAt: row.completed_at?.getTime() ?? null,
    batches: (batchesOf.get(row.id) ?? []).map(toBatch),
    epochs: (epochsOf.get(row.id) ?? []).map(({ epoch, first_seq: firstSeq }) => ({ epoch, firstSeq })),
  }));
}

export async function readLedger(sql: Sql): Promise<readonly LedgerRow[]> {
  const rows = await sql<{ turn_id: string | null; limiter: string; kind: LedgerKind; change: string }[]>`
    SELECT turn_id, limiter, kind, change FROM quota_ledger ORDER BY id`;
  return rows.map(({ turn_id: turnId, change, ...row }) => ({ ...row, turnId, change: Number(change) }));
}

export async function readBalances(sql: Sql): Promise<readonly Balance[]> {
  const rows = await sql<{ limiter: string; available: string; reserved: string }[]>`
    SELECT limiter, available, reserved FROM limiter_balance`;
  return rows.map(({ limiter, available, reserved }) => ({
    limiter,
    available: Number(available),
    reserved: Number(reserved),
  }));
}

export async function countRunning(sql: Sql): Promise<number> {
  const [row] = await sql<
    { count: number }[]
  >`SELECT count(*)::int AS count FROM turn WHERE status = 'RUNNING'`;
  return row?.count ?? 0;
}
