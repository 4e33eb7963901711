/** All SQL of quotas: balances and their ledger. By which rules they change stands in balance.ts. */
import { and, asc, desc, eq, gt, type SQL, sql } from 'drizzle-orm';
import type { AnyTx, WorkerTx } from '../db/client.ts';
import { limiterBalances, quotaLedger } from '../db/tables/quota.ts';
import type { Balance, Changed } from './balance.ts';
import type { BalanceKey, Limiter } from './limiter.ts';

/** Balances with the database's time: that of the beginning of the transaction. */
export interface ReadBalances {
  readonly balances: readonly Balance[];
  readonly at: Date;
}

const AT = sql`now()`.mapWith(limiterBalances.anchor);
const COLUMNS = {
  limiter: limiterBalances.limiter,
  subject: limiterBalances.subject,
  ownerId: limiterBalances.ownerId,
  available: limiterBalances.available,
  reserved: limiterBalances.reserved,
  overrun: limiterBalances.overrun,
  anchor: limiterBalances.anchor,
  periodStart: limiterBalances.periodStart,
};
/** USER, CLUSTER, then by name: whoever locks several balances does it in this order. */
const ORDER = [desc(limiterBalances.subject), asc(limiterBalances.limiter), asc(limiterBalances.ownerId)];

function isOneOf(keys: readonly BalanceKey[]): SQL {
  const { limiter, subject, ownerId } = limiterBalances;
  return sql`(${limiter}, ${subject}, ${ownerId}) IN (SELECT * FROM ${toKeyRows(keys)})`;
}

function toKeyRows(keys: readonly BalanceKey[]): SQL {
  const column = (values: readonly string[]) => sql`${sql.param([...values])}::text[]`;
  return sql`unnest(${column(keys.map((key) => key.limiter))}, ${column(keys.map((key) => key.subject))},
    ${column(keys.map((key) => key.ownerId))}) AS wanted (limiter, subject, owner_id)`;
}

const toRead = (rows: readonly (Balance & { readonly at: Date })[]): ReadBalances => ({
  balances: rows.map(({ at: _at, ...balance }) => balance),
  at: rows[0]?.at ?? new Date(0),
});

/** Those that exist, in the order in which they are locked. */
export async function selectBalances(tx: AnyTx, keys: readonly BalanceKey[]): Promise<ReadBalances> {
  const rows = await tx
    .select({ ...COLUMNS, at: AT })
    .from(limiterBalances)
    .where(isOneOf(keys))
    .orderBy(...ORDER);
  return toRead(rows);
}

/** The same, kept from everybody else until the transaction ends. */
export async function lockBalances(tx: AnyTx, keys: readonly BalanceKey[]): Promise<ReadBalances> {
  const rows = await tx
    .select({ ...COLUMNS, at: AT })
    .from(limiterBalances)
    .where(isOneOf(keys))
    .orderBy(...ORDER)
    .for('no key update');
  return toRead(rows);
}

/** Makes the balances that are not there yet, each with what its limiter starts with. Their first period begins now. */
export async function insertBalances(
  tx: AnyTx,
  fresh: readonly (BalanceKey & Pick<Limiter, 'initial'>)[],
): Promise<void> {
  await tx.execute(sql`
    WITH made AS (
      INSERT INTO limiter_balance (limiter, subject, owner_id, available, anchor, period_start)
      SELECT limiter, subject, owner_id, initial, now(), now()
      FROM jsonb_to_recordset(${JSON.stringify(fresh.map(toRow))}::text::jsonb)
        AS fresh (limiter text, subject text, owner_id text, initial bigint)
      ORDER BY subject DESC, limiter, owner_id
      ON CONFLICT (limiter, subject, owner_id) DO NOTHING
      RETURNING limiter, subject, owner_id, available, period_start
    )
    INSERT INTO quota_ledger (limiter, subject, owner_id, kind, amount, change, period_start)
    SELECT limiter, subject, owner_id, 'REFILL', available, available, period_start FROM made`);
}

const toRow = ({ ownerId, ...rest }: BalanceKey & Pick<Limiter, 'initial'>) => ({
  ...rest,
  owner_id: ownerId,
});

/**
 * Balances whose period may have ended, in the order of their owners, behind the given one. By the length of the period alone:
 * where a month is longer than the one before, a balance appears some days too soon.
 */
export async function selectDue(
  tx: WorkerTx,
  { name, period }: Limiter,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly BalanceKey[]> {
  const { limiter, subject, ownerId, periodStart } = limiterBalances;
  return tx
    .select({ limiter, subject, ownerId })
    .from(limiterBalances)
    .where(
      and(
        eq(limiter, name),
        page.after === undefined ? undefined : gt(ownerId, page.after),
        sql`${periodStart} + ${period}::interval <= now()`,
      ),
    )
    .orderBy(asc(ownerId))
    .limit(page.limit);
}

export interface OpenReservation {
  readonly balance: Balance;
  readonly reserved: number;
  readonly reservedIn: Date;
}

/** What was set aside for a turn, with the balances that it came from. */
function queryReservations(tx: AnyTx, turnId: string) {
  const { amount, periodStart, limiter, subject, ownerId } = quotaLedger;
  return tx
    .select({ balance: COLUMNS, reserved: amount, reservedIn: periodStart })
    .from(quotaLedger)
    .innerJoin(
      limiterBalances,
      and(
        eq(limiterBalances.limiter, limiter),
        eq(limiterBalances.subject, subject),
        eq(limiterBalances.ownerId, ownerId),
      ),
    )
    .where(and(eq(quotaLedger.turnId, turnId), eq(quotaLedger.kind, 'RESERVE')))
    .orderBy(...ORDER);
}

type ReservationRow = Omit<OpenReservation, 'reservedIn'> & { readonly reservedIn: Date | null };

const toReservation = ({ balance, reserved, reservedIn }: ReservationRow): OpenReservation => ({
  balance,
  reserved,
  reservedIn: reservedIn ?? balance.anchor,
});

/** What is set aside for a running turn. */
export async function selectReservations(tx: AnyTx, turnId: string): Promise<readonly OpenReservation[]> {
  return (await queryReservations(tx, turnId)).map(toReservation);
}

/** The same, its balances locked in their order. */
export async function lockReservations(tx: AnyTx, turnId: string): Promise<readonly OpenReservation[]> {
  const rows = await queryReservations(tx, turnId).for('no key update', { of: limiterBalances });
  return rows.map(toReservation);
}

/** What the changes are about, where that is not the balance's own time. */
export interface Occasion {
  readonly turnId?: string;
  readonly actorId?: string;
}

/** Stores balances that the transaction has locked, and what changed them. Throws when one of them is gone. */
export async function storeChanges(
  tx: AnyTx,
  changes: readonly Changed[],
  occasion: Occasion,
): Promise<void> {
  const changed = changes.filter(({ entries }) => entries.length > 0);
  if (changed.length === 0) return;
  const entries = changed.flatMap((change) => change.entries);
  const rows = await tx.execute<{ count: number }>(sql`
    WITH changed AS (
      UPDATE limiter_balance AS balance SET available = next.available, reserved = next.reserved,
        overrun = next.overrun, period_start = next."periodStart"
      FROM jsonb_to_recordset(${JSON.stringify(changed.map(({ balance }) => balance))}::text::jsonb)
        AS next (limiter text, subject text, "ownerId" text, available bigint, reserved bigint, overrun bigint,
          "periodStart" timestamptz)
      WHERE balance.limiter = next.limiter AND balance.subject = next.subject AND balance.owner_id = next."ownerId"
      RETURNING 1
    ), noted AS (
      INSERT INTO quota_ledger (limiter, subject, owner_id, kind, amount, change, period_start, turn_id, actor_id)
      SELECT limiter, subject, "ownerId", kind, amount, change, "periodStart",
        CASE WHEN kind NOT IN ('REFILL', 'ADJUST') THEN ${occasion.turnId ?? null}::uuid END,
        CASE WHEN kind = 'ADJUST' THEN ${occasion.actorId ?? null}::text END
      FROM jsonb_to_recordset(${JSON.stringify(entries)}::text::jsonb)
        AS entry (limiter text, subject text, "ownerId" text, kind text, amount bigint, change bigint,
          "periodStart" timestamptz)
    )
    SELECT count(*)::int AS count FROM changed`);
  if (rows[0]?.count !== changed.length) throw new TypeError('a locked balance is gone');
}
