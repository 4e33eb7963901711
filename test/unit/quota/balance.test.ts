/** The rules of a balance: what each change does, and that the books add up whatever happens in whatever order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInterval } from '../../../src/lib/interval.ts';
import {
  adjust,
  andThen,
  type Balance,
  type Changed,
  type LedgerEntry,
  refill,
  reserve,
  settle,
} from '../../../src/quota/balance.ts';
import type { Limiter } from '../../../src/quota/limiter.ts';

const START = new Date('2026-01-01T00:00:00.000Z');
const DAY_MS = 86_400_000;
const toDay = (day: number): Date => new Date(START.getTime() + day * DAY_MS);

function toLimiter(initial: number, increase: number): Limiter {
  const interval = parseInterval('1 day') ?? { ms: DAY_MS };
  return { name: 'daily', subject: 'USER', initial, increase, period: '1 day', interval };
}

function toBalance(amounts: Partial<Balance> = {}): Balance {
  const key = { limiter: 'daily', subject: 'USER' as const, ownerId: 'ada' };
  return { ...key, available: 0, reserved: 0, overrun: 0, anchor: START, periodStart: START, ...amounts };
}

const RESET = toLimiter(100, 0);
const INCREASE = toLimiter(0, 30);
const BOTH = toLimiter(100, 30);

describe('refill', () => {
  it.each([
    ['resets to what a balance starts with', RESET, { available: 7 }, 1, { available: 100 }],
    ['adds to what is left', INCREASE, { available: 7 }, 1, { available: 37 }],
    ['resets to the sum of both', BOTH, { available: 7 }, 1, { available: 130 }],
    ['takes away what was given beyond', RESET, { available: 900 }, 1, { available: 100 }],
    ['catches up on missed periods: a reset once', RESET, { available: 7 }, 5, { available: 100 }],
    ['catches up on missed periods: each increase', INCREASE, { available: 7 }, 5, { available: 157 }],
    ['leaves room for what is reserved', RESET, { available: 0, reserved: 60 }, 1, { available: 40 }],
    ['is never below zero', RESET, { available: 0, reserved: 160 }, 1, { available: 0 }],
    ['pays overrun first', RESET, { overrun: 30 }, 1, { available: 70, overrun: 0 }],
    ['pays as much as there is', RESET, { overrun: 130 }, 1, { available: 0, overrun: 30 }],
    ['pays by missed periods too', RESET, { overrun: 130 }, 2, { available: 70, overrun: 0 }],
    ['pays overrun by the increase first', INCREASE, { overrun: 50 }, 1, { available: 0, overrun: 20 }],
    ['does nothing within a period', RESET, { available: 7 }, 0.9, { available: 7 }],
    [
      'does nothing when another clock was ahead',
      RESET,
      { available: 7, periodStart: toDay(3) },
      1,
      { available: 7 },
    ],
  ] as const)('%s', (_rule, limiter, before, day, after) => {
    const { balance } = refill(limiter, toBalance(before), toDay(day));
    expect(balance).toMatchObject({ ...toBalance(before), ...after, periodStart: balance.periodStart });
  });

  it('happens once in a period, and one of many periods is as many of one', () => {
    const amounts = fc.record({ available: fc.nat(300), reserved: fc.nat(150), overrun: fc.nat(400) });
    fc.assert(
      fc.property(
        amounts,
        fc.constantFrom(RESET, INCREASE, BOTH),
        fc.integer({ min: 1, max: 9 }),
        (before, limiter, days) => {
          const once = refill(limiter, toBalance(before), toDay(days)).balance;
          expect(refill(limiter, once, toDay(days + 0.5)).entries).toEqual([]);
          let stepwise = toBalance(before);
          for (let day = 1; day <= days; day += 1) stepwise = refill(limiter, stepwise, toDay(day)).balance;
          expect(once).toEqual(stepwise);
        },
      ),
    );
  });
});

describe('settle', () => {
  const open = { reserved: 50, reservedIn: START, limiter: RESET };
  it.each([
    ['gives back what was not used', 20, { available: 40 }, [['SETTLE', 20, 30]]],
    ['takes from the balance what was not reserved', 55, { available: 5 }, [['SETTLE', 55, -5]]],
    [
      'notes as overrun what the balance does not hold',
      75,
      { available: 0, overrun: 15 },
      [
        ['SETTLE', 60, -10],
        ['OVERRUN', 15, 0],
      ],
    ],
    ['releases all when the model was not called', null, { available: 60 }, [['RELEASE', 50, 50]]],
    ['charges nothing where nothing was spent', 0, { available: 60 }, [['SETTLE', 0, 50]]],
  ] as const)('%s', (_rule, spent, after, rows) => {
    const { balance, entries } = settle(toBalance({ available: 10, reserved: 50 }), { ...open, spent });
    expect(balance).toEqual(toBalance(after));
    expect(entries.map(({ kind, amount, change }) => [kind, amount, change])).toEqual(rows);
  });

  it.each([
    ['not after a reset', RESET, 10],
    ['not after a reset to the sum', BOTH, 10],
    ['to a balance that only increases', INCREASE, 40],
    ['to one whose limiter is configured no longer', undefined, 40],
  ] as const)('gives what is left of an earlier period back: %s', (_rule, limiter, available) => {
    const balance = toBalance({ available: 10, reserved: 50, periodStart: toDay(1) });
    expect(settle(balance, { ...open, limiter, spent: 20 }).balance).toMatchObject({
      available,
      reserved: 0,
    });
  });
});

type Step =
  | { readonly kind: 'reserve'; readonly amount: number }
  | { readonly kind: 'settle'; readonly at: number; readonly spent: number | null }
  | { readonly kind: 'adjust'; readonly amount: number }
  | { readonly kind: 'wait'; readonly days: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('reserve' as const), amount: fc.nat(80) }),
    fc.record({ kind: fc.constant('settle' as const), at: fc.nat(5), spent: fc.option(fc.nat(200)) }),
    fc.record({ kind: fc.constant('adjust' as const), amount: fc.integer({ min: -60, max: 60 }) }),
    fc.record({ kind: fc.constant('wait' as const), days: fc.double({ min: 0, max: 2.5, noNaN: true }) }),
  ),
  { maxLength: 60 },
);

/** What a careful reader of the rules would keep on paper: only sums. */
interface Books {
  balance: Balance;
  day: number;
  readonly ledger: LedgerEntry[];
  readonly open: { readonly reserved: number; readonly reservedIn: Date }[];
  used: number;
}

function note(books: Books, changed: Changed): void {
  books.balance = changed.balance;
  books.ledger.push(...changed.entries);
}

function play(books: Books, limiter: Limiter, step: Step): void {
  const filled = refill(limiter, books.balance, toDay(books.day));
  const { available, periodStart } = filled.balance;
  if (step.kind === 'wait') books.day += step.days;
  if (step.kind === 'adjust' && available + step.amount >= 0) {
    note(
      books,
      andThen(filled, (balance) => adjust(balance, step.amount)),
    );
  }
  if (step.kind === 'reserve' && available >= step.amount) {
    books.open.push({ reserved: step.amount, reservedIn: periodStart });
    note(
      books,
      andThen(filled, (balance) => reserve(balance, step.amount)),
    );
  }
  if (step.kind === 'settle') end(books, limiter, step);
}

function end(
  books: Books,
  limiter: Limiter,
  { at, spent }: Extract<Step, { readonly kind: 'settle' }>,
): void {
  const [ended] = books.open.splice(at % Math.max(1, books.open.length), 1);
  if (!ended) return;
  books.used += spent ?? 0;
  note(books, settle(books.balance, { ...ended, spent, limiter }));
}

const sum = (rows: readonly LedgerEntry[], amount: (row: LedgerEntry) => number): number =>
  rows.reduce((total, row) => total + amount(row), 0);
const ofKind = (ledger: readonly LedgerEntry[], ...kinds: readonly string[]) =>
  ledger.filter(({ kind }) => kinds.includes(kind));

it('P7: no amount is below zero at any moment, and the ledger says what there is and what was used', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(RESET, INCREASE, BOTH), (list, limiter) => {
      const books: Books = {
        balance: toBalance({ available: limiter.initial }),
        day: 0,
        ledger: [],
        open: [],
        used: 0,
      };
      for (const step of list) {
        play(books, limiter, step);
        const { available, reserved, overrun } = books.balance;
        expect(Math.min(available, reserved, overrun)).toBeGreaterThanOrEqual(0);
        expect(reserved).toBe(books.open.reduce((total, one) => total + one.reserved, 0));
        expect(available).toBe(limiter.initial + sum(books.ledger, ({ change }) => change));
        const paid = sum(ofKind(books.ledger, 'REFILL'), ({ amount, change }) => amount - change);
        expect(overrun).toBe(sum(ofKind(books.ledger, 'OVERRUN'), ({ amount }) => amount) - paid);
        expect(books.used).toBe(sum(ofKind(books.ledger, 'SETTLE', 'OVERRUN'), ({ amount }) => amount));
      }
    }),
  );
});
