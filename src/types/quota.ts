/** Quotas: what may still be spent, and of whom it is. */

/** Whose balance a limiter keeps. The order is that in which balances are locked. */
export const QUOTA_SUBJECTS = ['USER', 'CLUSTER'] as const;
export type QuotaSubject = (typeof QUOTA_SUBJECTS)[number];

/** Why a balance changed. */
export const LEDGER_KINDS = ['RESERVE', 'SETTLE', 'RELEASE', 'OVERRUN', 'REFILL', 'ADJUST'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** One balance as it is at the moment of reading. All amounts are tokens. */
export interface Quota {
  readonly limiter: string;
  readonly subject: QuotaSubject;
  readonly available: number;
  /** Set aside for turns that run. */
  readonly reserved: number;
  /** Spent beyond the balance; the next refill pays it first. */
  readonly overrun: number;
  /** What a new balance starts with. */
  readonly initial: number;
  /** What the end of a period adds. */
  readonly increase: number;
  /** As configured, such as "1 day". */
  readonly period: string;
  /** End of the period. */
  readonly resetAt: Date;
}
