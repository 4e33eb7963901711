/** A limiter as the configuration says it: whose balances it keeps, what a period gives, when one ends. */
import type { Config } from '../config/config.ts';
import { type Interval, parseInterval } from '../lib/interval.ts';
import type { QuotaSubject } from '../types/quota.ts';
import type { Viewer } from '../types/viewer.ts';

/** All amounts are tokens. */
export interface Limiter {
  readonly name: string;
  readonly subject: QuotaSubject;
  /** 0: each period adds to what is left, instead of resetting it. */
  readonly initial: number;
  readonly increase: number;
  /** As configured. */
  readonly period: string;
  readonly interval: Interval;
}

/** Which balance of a limiter. */
export interface BalanceKey {
  readonly limiter: string;
  readonly subject: QuotaSubject;
  /** Empty for CLUSTER. */
  readonly ownerId: string;
}

export function listLimiters({ quotas }: Pick<Config, 'quotas'>): readonly Limiter[] {
  return quotas.limiters.map(({ name, kind, initialQuota, quotaIncrease, period }) => {
    const interval = parseInterval(period);
    if (interval === undefined) throw new TypeError('the configuration checks periods');
    return { name, subject: kind, initial: initialQuota, increase: quotaIncrease, period, interval };
  });
}

/** The balance that a viewer's questions are charged to. */
export function toKey({ name, subject }: Limiter, viewer: Pick<Viewer, 'id'>): BalanceKey {
  return { limiter: name, subject, ownerId: subject === 'CLUSTER' ? '' : viewer.id };
}
