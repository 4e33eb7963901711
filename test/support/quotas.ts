/** Balances and the ledger as a test sees them, and configurations of limiters. */
import type { ConfigInput } from '../../src/config/config.ts';
import type { Database } from '../../src/db/client.ts';
import type { LedgerKind } from '../../src/types/quota.ts';

type LimiterInput = NonNullable<NonNullable<ConfigInput['quotas']>['limiters']>[number];

/** A limiter that gives that much a day. */
export function toLimiter(name: string, values: Partial<LimiterInput> = {}): LimiterInput {
  return { name, kind: 'USER', initialQuota: 100_000, period: '1 day', ...values };
}

export interface BalanceRow {
  readonly limiter: string;
  readonly available: number;
  readonly reserved: number;
  readonly overrun: number;
}

/** In the order of their names and owners. */
export async function readBalances({ driver }: Database): Promise<readonly BalanceRow[]> {
  const rows = await driver<BalanceRow[]>`
    SELECT limiter, available::float8, reserved::float8, overrun::float8 FROM limiter_balance
    ORDER BY limiter, owner_id`;
  return [...rows];
}

export interface LedgerRow {
  readonly limiter: string;
  readonly kind: LedgerKind;
  readonly amount: number;
  readonly change: number;
}

/** Of one turn, in the order of its limiters and of writing. */
export async function readLedger({ driver }: Database, turnId: string): Promise<readonly LedgerRow[]> {
  const rows = await driver<LedgerRow[]>`
    SELECT limiter, kind, amount::float8, change::float8 FROM quota_ledger
    WHERE turn_id = ${turnId} ORDER BY limiter, id`;
  return [...rows];
}

/** What is wrong with the books: nothing, if each balance is the sum of its ledger and each charge the usage of its turn. */
export async function findBookErrors({ driver }: Pick<Database, 'driver'>): Promise<readonly unknown[]> {
  const sums = await driver`
    SELECT limiter, owner_id, available, sum(change) AS changes FROM limiter_balance
    JOIN quota_ledger USING (limiter, subject, owner_id)
    GROUP BY limiter, subject, owner_id, available HAVING sum(change) <> available`;
  const overruns = await driver`
    SELECT limiter, owner_id, overrun FROM limiter_balance JOIN quota_ledger USING (limiter, subject, owner_id)
    GROUP BY limiter, subject, owner_id, overrun
    HAVING overrun <> coalesce(sum(amount) FILTER (WHERE kind = 'OVERRUN'), 0)
      - coalesce(sum(amount - change) FILTER (WHERE kind = 'REFILL'), 0)`;
  const charges = await driver`
    SELECT turn.id, limiter, input_tokens + output_tokens AS spent, kinds, charged FROM turn JOIN (
      SELECT turn_id, limiter, array_agg(kind ORDER BY quota_ledger.id) AS kinds,
        coalesce(sum(amount) FILTER (WHERE kind IN ('SETTLE', 'OVERRUN')), 0) AS charged,
        count(*) FILTER (WHERE kind = 'RESERVE') AS reserves,
        count(*) FILTER (WHERE kind IN ('SETTLE', 'RELEASE')) AS ends
      FROM quota_ledger WHERE turn_id IS NOT NULL GROUP BY turn_id, limiter
    ) AS booked ON booked.turn_id = turn.id
    WHERE reserves <> 1 OR ends <> (CASE status WHEN 'RUNNING' THEN 0 ELSE 1 END)
      OR status <> 'RUNNING' AND charged <> input_tokens + output_tokens`;
  const open = await driver`
    SELECT limiter, owner_id, reserved FROM limiter_balance AS balance WHERE reserved <> coalesce((
      SELECT sum(amount) FROM quota_ledger AS taken WHERE kind = 'RESERVE'
        AND taken.limiter = balance.limiter AND taken.subject = balance.subject AND taken.owner_id = balance.owner_id
        AND NOT EXISTS (SELECT FROM quota_ledger AS ended WHERE ended.turn_id = taken.turn_id
          AND ended.limiter = taken.limiter AND ended.kind IN ('SETTLE', 'RELEASE'))), 0)`;
  return [...sums, ...overruns, ...charges, ...open];
}
