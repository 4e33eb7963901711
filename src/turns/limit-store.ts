/** The SQL that counts the running turns of a viewer. */
import { sql } from 'drizzle-orm';
import type { ViewerTx } from '../db/client.ts';

/** Any number, as long as every version of Millrace has the same. */
const LOCK_CLASS = 7_174;

/**
 * Turns of the viewer that run on any node, those of this transaction among them. Transactions of one viewer take turns:
 * each counts what the ones before have committed. The lock is asked for in a statement of its own, sent ahead of the other
 * without waiting for it: a statement sees what was committed when it began.
 */
export async function countRunningTurns(tx: ViewerTx): Promise<number> {
  const lock = tx.execute(sql`SELECT pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(${tx.viewerId}))`);
  const counting = tx.execute<{ running: number }>(
    sql`SELECT count(*)::int AS running FROM turn WHERE owner_id = ${tx.viewerId} AND status = 'RUNNING'`,
  );
  const [, rows] = await Promise.all([lock, counting]);
  return rows[0]?.running ?? 0;
}
