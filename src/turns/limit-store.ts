/** The SQL that counts the running turns of a viewer. */
import { sql } from 'drizzle-orm';
import type { ViewerTx } from '../db/client.ts';

/** Any number, as long as every version of Millrace has the same. */
const LOCK_CLASS = 7_174;

export interface RunningTurns {
  /** Turns of the viewer that run on any node: those that are committed, and those of this transaction. */
  readonly running: number;
  /** How many transactions there can be at a time on this Postgres: so many turns may be about to be committed. */
  readonly transactions: number;
}

export async function selectRunningTurns(tx: ViewerTx): Promise<RunningTurns> {
  const [row] = await tx.execute<{ running: number; transactions: number }>(sql`
    SELECT count(*)::int AS running, current_setting('max_connections')::int AS transactions
    FROM turn WHERE owner_id = ${tx.viewerId} AND status = 'RUNNING'`);
  return row ?? { running: 0, transactions: 0 };
}

/**
 * The same behind the viewer's lock, which is held until the transaction ends. `alone`: transactions of the viewer take turns,
 * each counts what all before have committed. `together`: only those wait that want to be alone, and they for these. The lock
 * is asked for in a statement of its own, sent ahead of the other without waiting for it: a statement sees what was committed
 * when it began.
 */
export async function lockRunningTurns(tx: ViewerTx, how: 'alone' | 'together'): Promise<RunningTurns> {
  const locking = lockViewer(tx, how);
  const [found] = await Promise.all([selectRunningTurns(tx), locking]);
  return found;
}

async function lockViewer(tx: ViewerTx, how: 'alone' | 'together'): Promise<void> {
  const key = sql`${LOCK_CLASS}, hashtext(${tx.viewerId})`;
  await tx.execute(
    how === 'alone'
      ? sql`SELECT pg_advisory_xact_lock(${key})`
      : sql`SELECT pg_advisory_xact_lock_shared(${key})`,
  );
}
