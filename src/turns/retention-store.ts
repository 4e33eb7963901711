/** All SQL of forgetting: what is deleted of turns that have been over for long. What they asked and answered stays. */
import { sql } from 'drizzle-orm';
import type { WorkerTx } from '../db/client.ts';

export interface Retention {
  /** Milliseconds, by the database's clock, from the end of a turn. */
  readonly retentionMs: number;
  /** Turns that are looked at in one transaction, those that ended first first. */
  readonly limit: number;
}

/**
 * Deletes events, epochs and keys of turns that ended before the retention time; returns of how many turns. One that runs
 * has no end. A turn that somebody holds is left for the next time: nodes that do the same side by side share the work.
 */
export async function expireOldest(tx: WorkerTx, { retentionMs, limit }: Retention): Promise<number> {
  const rows = await tx.execute<{ expired: number }>(sql`
    WITH old AS (
      SELECT id FROM turn
      WHERE events_kept AND completed_at < now() - make_interval(secs => ${retentionMs / 1000})
      ORDER BY completed_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ), batches AS (
      DELETE FROM turn_event_batch USING old WHERE turn_id = old.id
    ), epochs AS (
      DELETE FROM turn_epoch USING old WHERE turn_id = old.id
    ), forgotten AS (
      UPDATE turn SET events_kept = false, idempotency_key = NULL FROM old WHERE turn.id = old.id
      RETURNING turn.id
    )
    SELECT count(*)::int AS expired FROM forgotten`);
  return rows[0]?.expired ?? 0;
}
