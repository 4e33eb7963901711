/** The rules by which a balance changes, each change with its rows of the ledger. Pure: amounts are tokens, time is given. */
import { addIntervals, countIntervals } from '../lib/interval.ts';
import type { LedgerKind } from '../types/quota.ts';
import type { BalanceKey, Limiter } from './limiter.ts';

/** No amount is ever below zero. */
export interface Balance extends BalanceKey {
  readonly available: number;
  /** Set aside for turns that run. */
  readonly reserved: number;
  /** Spent beyond the balance. */
  readonly overrun: number;
  /** Periods are counted from here. */
  readonly anchor: Date;
  /** Of the last refill. */
  readonly periodStart: Date;
}

/** See the table of the ledger for what the columns mean. */
export interface LedgerEntry extends BalanceKey {
  readonly kind: LedgerKind;
  readonly amount: number;
  readonly change: number;
  readonly periodStart: Date | null;
}

export interface Changed {
  readonly balance: Balance;
  /** Empty when nothing changed. */
  readonly entries: readonly LedgerEntry[];
}

/** The end of the period that the moment is in. */
export function toResetAt({ interval }: Limiter, { anchor }: Balance, at: Date): Date {
  return addIntervals(anchor, interval, countIntervals(anchor, interval, at) + 1);
}

/**
 * Gives what the periods since the last refill bring, in one step the same as in many. Overrun is paid first. A reset leaves
 * room for what is reserved. Does nothing within a period, and nothing when another clock was ahead.
 */
export function refill(limiter: Limiter, balance: Balance, at: Date): Changed {
  const { anchor, available, overrun } = balance;
  const { interval } = limiter;
  const current = countIntervals(anchor, interval, at);
  const periods = current - countIntervals(anchor, interval, balance.periodStart);
  if (periods <= 0) return { balance, entries: [] };
  const next = limiter.initial > 0 ? reset(limiter, balance, periods) : increase(limiter, balance, periods);
  const periodStart = addIntervals(anchor, interval, current);
  const change = next.available - available;
  const paid = overrun - next.overrun;
  return {
    balance: { ...balance, ...next, periodStart },
    entries: [toEntry(balance, { kind: 'REFILL', amount: change + paid, change, periodStart })],
  };
}

type Amounts = Pick<Balance, 'available' | 'overrun'>;

function reset({ initial, increase: more }: Limiter, balance: Balance, periods: number): Amounts {
  const each = Math.max(0, initial + more - balance.reserved);
  const owed = Math.max(0, balance.overrun - (periods - 1) * each);
  const paid = Math.min(owed, each);
  return { available: each - paid, overrun: owed - paid };
}

function increase(limiter: Limiter, { available, overrun }: Balance, periods: number): Amounts {
  const granted = periods * limiter.increase;
  const paid = Math.min(overrun, granted);
  return { available: available + granted - paid, overrun: overrun - paid };
}

/** Sets tokens aside for a turn. The caller has checked that there are as many. */
export function reserve(balance: Balance, amount: number): Changed {
  const { available, reserved, periodStart } = balance;
  return {
    balance: { ...balance, available: available - amount, reserved: reserved + amount },
    entries: [toEntry(balance, { kind: 'RESERVE', amount, change: -amount, periodStart })],
  };
}

export interface Settlement {
  /** What was set aside for the turn, and in which period. */
  readonly reserved: number;
  readonly reservedIn: Date;
  /** Null: the model was not called, all of it goes back. */
  readonly spent: number | null;
  /** Undefined: the limiter is configured no longer. */
  readonly limiter: Limiter | undefined;
}

/**
 * Charges a turn and dissolves its reservation. Never refused: what the balance does not hold is overrun. What is left of a
 * reservation from before a reset is not given back: the reset was made without it.
 */
export function settle(balance: Balance, { reserved, reservedIn, spent, limiter }: Settlement): Changed {
  const charged = Math.min(spent ?? 0, reserved + balance.available);
  const excess = (spent ?? 0) - charged;
  const unused = reserved - charged;
  const isStale = reservedIn < balance.periodStart && limiter !== undefined && limiter.initial > 0;
  const change = unused > 0 && isStale ? 0 : unused;
  const entry =
    spent === null
      ? ({ kind: 'RELEASE', amount: reserved, change } as const)
      : ({ kind: 'SETTLE', amount: charged, change } as const);
  const overrun = { kind: 'OVERRUN', amount: excess, change: 0 } as const;
  return {
    balance: {
      ...balance,
      available: balance.available + change,
      reserved: balance.reserved - reserved,
      overrun: balance.overrun + excess,
    },
    entries: [entry, ...(excess > 0 ? [overrun] : [])].map((one) => toEntry(balance, one)),
  };
}

/** Adds to what is available, or takes from it. The caller has checked that there is as much. */
export function adjust(balance: Balance, amount: number): Changed {
  return {
    balance: { ...balance, available: balance.available + amount },
    entries: [toEntry(balance, { kind: 'ADJUST', amount, change: amount })],
  };
}

/** The first change and then the second. */
export function andThen(first: Changed, second: (balance: Balance) => Changed): Changed {
  const { balance, entries } = second(first.balance);
  return { balance, entries: [...first.entries, ...entries] };
}

type Facts = Pick<LedgerEntry, 'kind' | 'amount' | 'change'> & { readonly periodStart?: Date };

function toEntry({ limiter, subject, ownerId }: BalanceKey, facts: Facts): LedgerEntry {
  return { limiter, subject, ownerId, periodStart: null, ...facts };
}
