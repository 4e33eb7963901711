/** Whose rows a statement may touch, and as whom it is sent. Row-level security says the same again (tables/policies.ts). */
import { type Column, eq, or, type SQL, sql } from 'drizzle-orm';
import type { AnyTx } from './client.ts';

/**
 * The condition that every statement on rows of viewers carries: one of the columns names the viewer. Undefined, which is
 * no condition, where the transaction reaches everyone's rows.
 */
export function isInReach({ ownerId }: AnyTx, ...owners: readonly Column[]): SQL | undefined {
  return ownerId === null ? undefined : or(...owners.map((owner) => eq(owner, ownerId)));
}

/**
 * Does something in the transaction as the login, who owns the job queue, whatever role the transaction has; afterwards it
 * has that again. Not after a failure: then the transaction is over.
 */
export async function asLogin<T>(tx: AnyTx, work: () => Promise<T>): Promise<T> {
  await tx.execute(
    sql`SELECT set_config('millrace.role', current_setting('role'), true), set_config('role', 'none', true)`,
  );
  const result = await work();
  await tx.execute(sql`SELECT set_config('role', current_setting('millrace.role'), true)`);
  return result;
}
