/** Says that a question is beyond the quota: whose, by how much, and when it may be asked again. */
import { AppError } from '../errors.ts';
import type { QuotaSubject } from '../types/quota.ts';
import { type Balance, toResetAt } from './balance.ts';
import type { Limiter } from './limiter.ts';

export interface Shortage {
  readonly limiter: Limiter;
  readonly balance: Balance;
  readonly at: Date;
}

/** The cause is the first shortage; `resetAt` is when the last of them ends. */
export function toRefusal(shortages: readonly [Shortage, ...Shortage[]], needed: number): AppError {
  const resets = shortages.map(({ limiter, balance, at }) => toResetAt(limiter, balance, at).getTime());
  const [{ balance }] = shortages;
  return new AppError('QUOTA_EXCEEDED', 'The quota has been exceeded', {
    details: { explanation: explain(balance, needed), resetAt: new Date(Math.max(...resets)) },
  });
}

function explain({ subject, ownerId, available }: Balance, needed: number): string {
  const who = toWho(subject, ownerId);
  return available === 0
    ? `${who} has no available tokens`
    : `${who} has ${available} tokens, but ${needed} tokens are needed`;
}

function toWho(subject: QuotaSubject, ownerId: string): string {
  return subject === 'CLUSTER' ? 'Cluster' : `User ${ownerId}`;
}
