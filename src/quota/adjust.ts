/** Changes a balance by hand: an administrator gives or takes tokens, and the ledger says who did it. */
import { insertAuditOf } from '../auth/audit-store.ts';
import { isViewerName } from '../auth/viewer-id.ts';
import type { Database } from '../db/client.ts';
import { AppError } from '../errors.ts';
import type { Viewer } from '../types/viewer.ts';
import { adjust, andThen, type Balance, refill } from './balance.ts';
import type { Limiter } from './limiter.ts';
import { insertBalances, lockBalances, storeChanges } from './store.ts';

export interface Adjustment {
  readonly limiter: string;
  /** Whose balance; undefined for the cluster's. */
  readonly ownerId: string | undefined;
  /** Tokens to add; negative to take away. */
  readonly amount: number;
}

export interface Adjusted {
  readonly limiter: Limiter;
  readonly balance: Balance;
  readonly at: Date;
}

/** Whether the actor may do this has been checked. Throws NOT_FOUND for an unknown limiter, and BAD_USER_INPUT. */
export async function adjustBalance(
  deps: { readonly database: Database; readonly limiters: readonly Limiter[] },
  actor: Viewer,
  adjustment: Adjustment,
): Promise<Adjusted> {
  const limiter = deps.limiters.find(({ name }) => name === adjustment.limiter);
  if (!limiter) {
    throw new AppError('NOT_FOUND', 'Limiter not found', {
      details: { explanation: `Limiter with name ${adjustment.limiter} is not configured` },
    });
  }
  const key = { limiter: limiter.name, subject: limiter.subject, ownerId: parseOwner(limiter, adjustment) };
  return deps.database.asWorker(async (tx) => {
    await insertBalances(tx, [{ ...key, initial: limiter.initial }]);
    const { balances, at } = await lockBalances(tx, [key]);
    const [locked] = balances;
    if (!locked) throw new TypeError('the balance was made before');
    const changed = andThen(refill(limiter, locked, at), (balance) => adjustWithin(balance, adjustment));
    await storeChanges(tx, [changed], { actorId: actor.id });
    const target = { ownerId: key.ownerId || null, kind: 'limiter', id: limiter.name } as const;
    await insertAuditOf(tx, { actorId: actor.id, action: 'MANAGE_QUOTAS' }, [target]);
    return { limiter, balance: changed.balance, at };
  });
}

function adjustWithin(balance: Balance, { amount }: Adjustment) {
  const { available } = balance;
  const isPossible = available + amount >= 0 && Number.isSafeInteger(available + amount);
  if (isPossible) return adjust(balance, amount);
  throw new AppError('BAD_USER_INPUT', 'A balance cannot fall below zero', {
    details: { explanation: `${available} tokens are available; take away as many at most` },
  });
}

function parseOwner({ subject }: Limiter, { ownerId }: Adjustment): string {
  if (subject === 'CLUSTER') {
    if (ownerId === undefined) return '';
    throw new AppError('BAD_USER_INPUT', 'The limiter keeps one balance for all: leave viewerId out');
  }
  if (ownerId !== undefined && isViewerName(ownerId)) return ownerId;
  throw new AppError('BAD_USER_INPUT', 'The limiter keeps a balance for each viewer: name one by viewerId');
}
