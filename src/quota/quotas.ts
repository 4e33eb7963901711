/** Quotas: sets tokens aside for a turn when it is accepted and charges it when it ends, within the caller's transaction. */
import { LRUCache } from 'lru-cache';
import type { Config } from '../config/config.ts';
import type { Database, ViewerTx, WorkerTx } from '../db/client.ts';
import type { Quota } from '../types/quota.ts';
import type { Viewer } from '../types/viewer.ts';
import { type Adjustment, adjustBalance } from './adjust.ts';
import { andThen, type Balance, type Changed, refill, reserve, settle, toResetAt } from './balance.ts';
import { type Limiter, listLimiters, toKey } from './limiter.ts';
import { refillDue } from './refill.ts';
import { type Shortage, toRefusal } from './refusal.ts';
import {
  insertBalances,
  lockBalances,
  lockReservations,
  type OpenReservation,
  type ReadBalances,
  selectBalances,
  selectReservations,
  storeChanges,
} from './store.ts';

/** Viewers whose balances are known to be there. */
const VIEWERS_REMEMBERED = 10_000;

/** What a turn is going to need, in tokens. */
export interface Demand {
  readonly inputTokens: number;
  /** For the answer, if as many are left. */
  readonly outputTokens: number;
}

export interface Quotas {
  /** False without limiters: then nothing here needs to be called, and no statement is spent on quotas. */
  readonly isLimited: boolean;
  /** Makes the balances that the viewer lacks, in a transaction of its own. */
  open(viewer: Viewer): Promise<void>;
  /**
   * Sets the demand aside from every limiter, or from none. Resolves with the tokens that the answer may take: at least 256,
   * or as many as were asked for. Throws QUOTA_EXCEEDED: the transaction is then to be rolled back.
   */
  reserve(tx: ViewerTx, viewer: Viewer, demand: Demand & { readonly turnId: string }): Promise<number>;
  /**
   * Throws QUOTA_EXCEEDED when the demand is more than there can be after a running turn has ended, which gives back what was
   * set aside for it at most. Sets nothing aside.
   */
  requireAfter(viewer: Viewer, demand: Demand, turnId: string): Promise<void>;
  /** Charges an ended turn and dissolves what was set aside for it; null: the model was not called. Once for each turn. */
  settle(tx: WorkerTx, turnId: string, spent: number | null): Promise<void>;
  /** The viewer's balances and those of all, in the order USER, CLUSTER, name, with what their periods have brought. */
  list(viewer: Viewer): Promise<readonly Quota[]>;
  /**
   * Adds to a balance, or takes from it, and notes who did. Whether they may is the caller's to check.
   * Throws NOT_FOUND for an unknown limiter, BAD_USER_INPUT when the balance would fall below zero.
   */
  adjust(actor: Viewer, adjustment: Adjustment): Promise<Quota>;
  /** Refills every balance whose period has ended. Idempotent. */
  refillAll(signal: AbortSignal): Promise<void>;
}

export interface QuotaDeps {
  readonly database: Database;
  readonly config: Pick<Config, 'quotas'>;
}

/** With fewer an answer is not worth its beginning. */
const LEAST_OUTPUT = 256;

export function createQuotas({ database, config }: QuotaDeps): Quotas {
  const limiters = listLimiters(config);
  const opened = new LRUCache<string, true>({ max: VIEWERS_REMEMBERED });
  const byName = new Map(limiters.map((limiter) => [limiter.name, limiter]));
  return {
    isLimited: limiters.length > 0,
    async open(viewer) {
      if (opened.has(viewer.id)) return;
      await database.asViewer(viewer, (tx) => insertBalances(tx, toFresh(limiters, viewer)));
      opened.set(viewer.id, true);
    },
    async reserve(tx, viewer, demand) {
      const { filled, at } = await lockFilled(tx, limiters, viewer);
      const allowance = toAllowance(filled, demand, at);
      const amount = demand.inputTokens + allowance;
      const changes = filled.map(({ changed }) => andThen(changed, (balance) => reserve(balance, amount)));
      await storeChanges(tx, changes, { turnId: demand.turnId });
      return allowance;
    },
    async requireAfter(viewer, demand, turnId) {
      const keys = limiters.map((limiter) => toKey(limiter, viewer));
      const [read, open] = await database.asWorker(async (tx) =>
        Promise.all([selectBalances(tx, keys), selectReservations(tx, turnId)]),
      );
      const { filled, at } = fill(limiters, read);
      toAllowance(
        filled.map((one) => withBack(one, open)),
        demand,
        at,
      );
    },
    async settle(tx, turnId, spent) {
      const open = await lockReservations(tx, turnId);
      const changes = open.map(({ balance, reserved, reservedIn }) => {
        const limiter = byName.get(balance.limiter);
        return settle(balance, { reserved, reservedIn, spent, limiter });
      });
      await storeChanges(tx, changes, { turnId });
    },
    async list(viewer) {
      if (limiters.length === 0) return [];
      return database.asViewer(viewer, async (tx) => listFilled(tx, limiters, viewer));
    },
    async adjust(actor, adjustment) {
      const { limiter, balance, at } = await adjustBalance({ database, limiters }, actor, adjustment);
      return toQuota(limiter, balance, at);
    },
    refillAll: (signal) => refillDue({ database, limiters }, signal),
  };
}

interface Filled {
  readonly limiter: Limiter;
  readonly changed: Changed;
}

interface FilledBalances {
  readonly filled: readonly Filled[];
  readonly at: Date;
}

/** Each balance with what its periods have brought, not yet stored. */
function fill(limiters: readonly Limiter[], { balances, at }: ReadBalances): FilledBalances {
  const filled = balances.flatMap((balance) => {
    const limiter = limiters.find(({ name }) => name === balance.limiter);
    return limiter ? [{ limiter, changed: refill(limiter, balance, at) }] : [];
  });
  return { filled, at };
}

const toFresh = (limiters: readonly Limiter[], viewer: Viewer) =>
  limiters.map((limiter) => ({ ...toKey(limiter, viewer), initial: limiter.initial }));

/** Locks the balances of all limiters; those that are missing, since somebody deleted them, are made first. */
async function lockFilled(
  tx: ViewerTx,
  limiters: readonly Limiter[],
  viewer: Viewer,
): Promise<FilledBalances> {
  const keys = limiters.map((limiter) => toKey(limiter, viewer));
  const locked = await lockBalances(tx, keys);
  if (locked.balances.length === keys.length) return fill(limiters, locked);
  await insertBalances(tx, toFresh(limiters, viewer));
  return fill(limiters, await lockBalances(tx, keys));
}

/** As it would be if all that is set aside for a turn came back. */
function withBack({ limiter, changed }: Filled, open: readonly OpenReservation[]): Filled {
  const { balance } = changed;
  const own = open.filter(
    (one) => one.balance.limiter === balance.limiter && one.balance.ownerId === balance.ownerId,
  );
  const back = own.reduce((sum, { reserved }) => sum + reserved, 0);
  return { limiter, changed: { ...changed, balance: { ...balance, available: balance.available + back } } };
}

function toAllowance(filled: readonly Filled[], demand: Demand, at: Date): number {
  const { inputTokens, outputTokens } = demand;
  const needed = inputTokens + Math.min(LEAST_OUTPUT, outputTokens);
  const [first, ...others] = filled.flatMap(({ limiter, changed: { balance } }): readonly Shortage[] =>
    balance.available < needed ? [{ limiter, balance, at }] : [],
  );
  if (first) throw toRefusal([first, ...others], needed);
  const least = Math.min(...filled.map(({ changed }) => changed.balance.available));
  return Math.min(outputTokens, least - inputTokens);
}

/** Reads without a lock where no period has ended since the last refill. */
async function listFilled(
  tx: ViewerTx,
  limiters: readonly Limiter[],
  viewer: Viewer,
): Promise<readonly Quota[]> {
  const keys = limiters.map((limiter) => toKey(limiter, viewer));
  const read = fill(limiters, await selectBalances(tx, keys));
  const isCurrent =
    read.filled.length === keys.length && read.filled.every(({ changed }) => changed.entries.length === 0);
  if (isCurrent) return read.filled.map(({ limiter, changed }) => toQuota(limiter, changed.balance, read.at));
  const { filled, at } = await lockFilled(tx, limiters, viewer);
  await storeChanges(
    tx,
    filled.map(({ changed }) => changed),
    {},
  );
  return filled.map(({ limiter, changed }) => toQuota(limiter, changed.balance, at));
}

function toQuota(limiter: Limiter, balance: Balance, at: Date): Quota {
  const { available, reserved, overrun, subject } = balance;
  const { name, initial, increase, period } = limiter;
  const resetAt = toResetAt(limiter, balance, at);
  return { limiter: name, subject, available, reserved, overrun, initial, increase, period, resetAt };
}
