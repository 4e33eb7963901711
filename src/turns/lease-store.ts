/** All SQL of the right to a turn: leases, what others want of their owner, and takeover. Time is the database's alone. */
import { and, eq, sql } from 'drizzle-orm';
import type { WorkerTx } from '../db/client.ts';
import { turns } from '../db/tables/conversations.ts';
import type { TurnLease } from '../event-log/event-log.ts';
import type { InterruptReason, Turn, TurnStop } from '../types/turn.ts';
import { toTurn } from './read-store.ts';

/** Notifications on this channel are ids of turns that somebody wants to end. */
export const STOPS_CHANNEL = 'millrace_stops';

/** A moment of the database's clock, by which all that ends by itself is measured. */
export const fromNow = (ms: number) => sql`now() + make_interval(secs => ${ms / 1000})`;

type StopRow = { readonly stop_reason: InterruptReason | null; readonly stop_actor: string | null };

function toStop({ stop_reason: reason, stop_actor: actor }: StopRow): TurnStop | null {
  return reason && { reason, actor };
}

/** The running turns of the leases that hold. */
function held(leases: readonly TurnLease[]) {
  const ids = sql.param(leases.map((lease) => lease.turnId));
  const fences = sql.param(leases.map((lease) => lease.fence));
  return sql`(turn.id, turn.fence) IN (SELECT * FROM unnest(${ids}::uuid[], ${fences}::int[]))
      AND turn.status = 'RUNNING'`;
}

/** Renews the leases that still hold, and tells which of their turns somebody wants to end. Absent: lost or ended. */
export async function renewLeases(
  tx: WorkerTx,
  leases: readonly TurnLease[],
  leaseMs: number,
): Promise<ReadonlyMap<string, TurnStop | null>> {
  const rows = await tx.execute<StopRow & { id: string }>(sql`
    WITH held AS (SELECT turn.id FROM turn WHERE ${held(leases)} ORDER BY turn.id FOR NO KEY UPDATE)
    UPDATE turn SET lease_until = ${fromNow(leaseMs)} FROM held WHERE turn.id = held.id
    RETURNING turn.id, turn.stop_reason, turn.stop_actor`);
  return new Map(rows.map((row) => [row.id, toStop(row)]));
}

/** Those of one's own turns that somebody wants to end. */
export async function selectStops(
  tx: WorkerTx,
  leases: readonly TurnLease[],
): Promise<ReadonlyMap<string, TurnStop>> {
  const rows = await tx.execute<StopRow & { id: string }>(sql`
    SELECT turn.id, turn.stop_reason, turn.stop_actor FROM turn
    WHERE ${held(leases)} AND turn.stop_reason IS NOT NULL`);
  return new Map(
    rows.flatMap((row) => {
      const stop = toStop(row);
      return stop ? [[row.id, stop] as const] : [];
    }),
  );
}

/**
 * Asks the owner of a running turn, on whatever node, to end it, and wakes it with the commit. The first wish stays; a
 * turn that has ended is left as it is.
 */
export async function requestStop(tx: WorkerTx, turnId: string, { reason, actor }: TurnStop): Promise<void> {
  await tx.execute(sql`
    WITH asked AS (
      UPDATE turn SET
        stop_actor = CASE WHEN stop_reason IS NULL THEN ${actor} ELSE stop_actor END,
        stop_reason = COALESCE(stop_reason, ${reason})
      WHERE id = ${turnId} AND status = 'RUNNING'
      RETURNING id
    )
    SELECT pg_notify(${STOPS_CHANNEL}, id::text) FROM asked`);
}

/** Those of the turns that still run, on any node. */
export async function selectRunning(tx: WorkerTx, turnIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx
    .select({ id: turns.id })
    .from(turns)
    .where(and(sql`${turns.id} = ANY (${sql.param([...turnIds])}::uuid[])`, eq(turns.status, 'RUNNING')));
  return new Set(rows.map((row) => row.id));
}

/** The moment at which the transaction began, in milliseconds. */
const beganMs = sql<number>`(extract(epoch FROM now()) * 1000)::float8`;

export interface Sweep {
  /** When the database's clock began it, in milliseconds. */
  readonly atMs: number;
  readonly orphans: readonly string[];
}

/** Running turns whose owner has stopped renewing, oldest first, but for those that this node runs itself. */
export async function selectOrphans(
  tx: WorkerTx,
  options: { readonly running: readonly string[]; readonly limit: number },
): Promise<Sweep> {
  const rows = await tx.execute<{ at_ms: number; id: string | null }>(sql`
    SELECT ${beganMs} AS at_ms, orphan.id FROM (VALUES (1)) AS one LEFT JOIN (
      SELECT id FROM turn
      WHERE status = 'RUNNING' AND lease_until < now() AND id <> ALL (${sql.param([...options.running])}::uuid[])
      ORDER BY lease_until LIMIT ${options.limit}) AS orphan ON true`);
  return { atMs: rows[0]?.at_ms ?? 0, orphans: rows.flatMap(({ id }) => id ?? []) };
}

/**
 * Locks what acceptance locks first, too. Undefined when somebody else is at it: another node that ends this orphan, most
 * likely, and there are others to end meanwhile. Else when the transaction began by the database's clock.
 */
export async function tryLockOrphan(tx: WorkerTx, turnId: string): Promise<number | undefined> {
  const rows = await tx.execute<{ at_ms: number }>(sql`
    SELECT ${beganMs} AS at_ms FROM conversation
    WHERE id = (SELECT conversation_id FROM turn WHERE id = ${turnId} AND status = 'RUNNING')
    FOR NO KEY UPDATE SKIP LOCKED`);
  return rows[0]?.at_ms;
}

/** A turn whose owner is gone, with what somebody had wanted of that. */
export interface Orphan {
  readonly turn: Turn;
  readonly stop: TurnStop | null;
  /** Tokens of the input as estimated at acceptance; null when nothing was reserved for the turn. */
  readonly inputEstimate: number | null;
}

/** Takes over one orphan: its fence is already the new one. Undefined when another node was first, or its owner is back. */
export async function claimOrphan(tx: WorkerTx, turnId: string, nodeId: string): Promise<Orphan | undefined> {
  const rows = await tx
    .update(turns)
    .set({ fence: sql`${turns.fence} + 1`, leaseOwner: nodeId })
    .where(and(eq(turns.id, turnId), eq(turns.status, 'RUNNING'), sql`${turns.leaseUntil} < now()`))
    .returning();
  const row = rows[0];
  if (row === undefined) return undefined;
  const { inputEstimate, stopReason, stopActor } = row;
  return { turn: toTurn(row), stop: stopReason && { reason: stopReason, actor: stopActor }, inputEstimate };
}
