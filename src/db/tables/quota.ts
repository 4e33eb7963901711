/** Tables of quotas: the balances, and the ledger of everything that changed them. */
import { sql } from 'drizzle-orm';
import { bigint, check, index, pgTable, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { LedgerKind, QuotaSubject } from '../../types/quota.ts';
import { moment } from './columns.ts';
import { policiesOfBalances, policiesOfLedger } from './policies.ts';

const tokens = (name: string) => bigint(name, { mode: 'number' });

/** Whose balance it is. */
const owned = () => ({
  limiter: text('limiter').notNull(),
  subject: text('subject').$type<QuotaSubject>().notNull(),
  /** Empty for CLUSTER. */
  ownerId: text('owner_id').notNull(),
});

export const limiterBalances = pgTable(
  'limiter_balance',
  {
    ...owned(),
    available: tokens('available').notNull(),
    reserved: tokens('reserved').notNull().default(0),
    overrun: tokens('overrun').notNull().default(0),
    /** Periods are counted from here. */
    anchor: moment('anchor').notNull(),
    /** Of the last refill. */
    periodStart: moment('period_start').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.limiter, table.subject, table.ownerId] }),
    check('limiter_balance_available', sql`${table.available} >= 0`),
    check('limiter_balance_reserved', sql`${table.reserved} >= 0`),
    check('limiter_balance_overrun', sql`${table.overrun} >= 0`),
    check('limiter_balance_owner', sql`(${table.subject} = 'CLUSTER') = (${table.ownerId} = '')`),
    ...policiesOfBalances(),
  ],
);

/** Rows are added and never changed. A turn's rows outlive the turn. */
export const quotaLedger = pgTable(
  'quota_ledger',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: moment('at').notNull().defaultNow(),
    ...owned(),
    kind: text('kind').$type<LedgerKind>().notNull(),
    /** Tokens that the row is about; of ADJUST and REFILL the change of `available`, which may be negative. */
    amount: tokens('amount').notNull(),
    /** What `available` was changed by: the sum over a balance is its `available`. */
    change: tokens('change').notNull(),
    /** Of RESERVE and REFILL: the period that the balance was in. */
    periodStart: moment('period_start'),
    /** Null for REFILL and ADJUST. */
    turnId: uuid('turn_id'),
    /** Of ADJUST: the viewer who did it. */
    actorId: text('actor_id'),
  },
  (table) => [
    uniqueIndex('quota_ledger_reserved_once')
      .on(table.turnId, table.limiter, table.subject)
      .where(sql`${table.kind} = 'RESERVE'`),
    uniqueIndex('quota_ledger_settled_once')
      .on(table.turnId, table.limiter, table.subject)
      .where(sql`${table.kind} IN ('SETTLE', 'RELEASE')`),
    uniqueIndex('quota_ledger_refilled_once')
      .on(table.limiter, table.subject, table.ownerId, table.periodStart)
      .where(sql`${table.kind} = 'REFILL'`),
    index('quota_ledger_by_balance').on(table.limiter, table.subject, table.ownerId, table.id),
    check('quota_ledger_turn', sql`(${table.kind} IN ('REFILL', 'ADJUST')) = (${table.turnId} IS NULL)`),
    ...policiesOfLedger(),
  ],
);
