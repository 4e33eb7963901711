/** Refills balances whose period has ended, so that they are true for whoever reads the tables. Questions refill theirs by themselves. */
import type { Database } from '../db/client.ts';
import { refill } from './balance.ts';
import type { Limiter } from './limiter.ts';
import { lockBalances, selectDue, storeChanges } from './store.ts';

/** Balances that are refilled in one transaction: nobody can ask who waits for one of them. */
const BATCH = 100;

/** Idempotent; what an abort leaves is done the next time. */
export async function refillDue(
  { database, limiters }: { readonly database: Database; readonly limiters: readonly Limiter[] },
  signal: AbortSignal,
): Promise<void> {
  for (const limiter of limiters) {
    let after: string | undefined;
    do after = await refillBatch(database, limiter, after);
    while (after !== undefined && !signal.aborted);
  }
}

/** Resolves with the last owner; undefined when there are no more. */
async function refillBatch(
  database: Database,
  limiter: Limiter,
  after: string | undefined,
): Promise<string | undefined> {
  return database.asWorker(async (tx) => {
    const due = await selectDue(tx, limiter, { after, limit: BATCH });
    const { balances, at } = await lockBalances(tx, due);
    await storeChanges(
      tx,
      balances.map((balance) => refill(limiter, balance, at)),
      {},
    );
    return due.length < BATCH ? undefined : due.at(-1)?.ownerId;
  });
}
