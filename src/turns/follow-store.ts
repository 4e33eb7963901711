/** All SQL of who follows turns: for those with `onDisconnect: CANCEL`, across nodes. Time is the database's alone. */
import { sql } from 'drizzle-orm';
import type { WorkerTx } from '../db/client.ts';
import { turns } from '../db/tables/conversations.ts';
import { fromNow } from './lease-store.ts';

/** Says that the turns are followed from now on for the grace time. Returns those that still run and want to know. */
export async function touchFollowed(
  tx: WorkerTx,
  turnIds: readonly string[],
  graceMs: number,
): Promise<ReadonlySet<string>> {
  const rows = await tx.execute<{ id: string }>(sql`
    WITH followed AS (
      SELECT id FROM turn
      WHERE id = ANY (${sql.param([...turnIds])}::uuid[]) AND status = 'RUNNING' AND followed_until IS NOT NULL
      ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE turn SET followed_until = ${fromNow(graceMs)} FROM followed WHERE turn.id = followed.id
    RETURNING turn.id`);
  return new Set(rows.map((row) => row.id));
}

/** Milliseconds for which the turn still counts as followed on other nodes than its owner's; 0: it does not. */
export async function selectFollowedMs(tx: WorkerTx, turnId: string): Promise<number> {
  const leftMs = sql<number>`(extract(epoch FROM ${turns.followedUntil} - now()) * 1000)::float8`;
  const rows = await tx.select({ leftMs }).from(turns).where(sql`${turns.id} = ${turnId}`);
  return Math.max(0, rows[0]?.leftMs ?? 0);
}
