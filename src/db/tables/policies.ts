/** The row-level security of tables that hold what belongs to viewers. Which roles it is for is said in ../roles.ts. */
import { type SQL, sql } from 'drizzle-orm';
import { pgPolicy } from 'drizzle-orm/pg-core';

/*
 * Every part is in a SELECT of its own, which Postgres evaluates once a statement and not once a row. A setting that was
 * never set is null, and one that was set in an earlier transaction of the connection is empty.
 */
const VIEWER = sql.raw(`(SELECT nullif(current_setting('millrace.viewer_id', true), ''))`);
/** The server's own work. The role of viewers never counts as that, so that without a viewer it has nothing. */
const SERVER = sql.raw(
  `(SELECT current_user <> 'millrace_app' AND nullif(current_setting('millrace.viewer_id', true), '') IS NULL)`,
);
/** A viewer who uses an action on what belongs to others. */
const OTHERS = sql.raw(
  `(SELECT current_setting('millrace.others', true) = 'on' AND nullif(current_setting('millrace.viewer_id', true), '') IS NOT NULL)`,
);

const tenancy = (condition: SQL) => pgPolicy('tenancy', { using: condition, withCheck: condition });

/** Nobody writes in the name of another, whatever else they may. */
const authorship = (column: string) =>
  pgPolicy('authorship', {
    as: 'restrictive',
    for: 'insert',
    withCheck: sql`${SERVER} OR ${sql.raw(column)} = ${VIEWER}`,
  });

/** For a table with a column `owner_id`. */
export const policiesOfOwner = () => [
  tenancy(sql`${SERVER} OR owner_id = ${VIEWER} OR ${OTHERS}`),
  authorship('owner_id'),
];

/** For turns: they belong to who asked, and to the owner of their conversation. */
export const policiesOfTurns = () => [
  pgPolicy('tenancy', {
    using: sql`${SERVER} OR owner_id = ${VIEWER} OR EXISTS (SELECT 1 FROM conversation WHERE conversation.id = conversation_id)`,
    withCheck: sql`${SERVER} OR EXISTS (SELECT 1 FROM conversation WHERE conversation.id = conversation_id)`,
  }),
  authorship('owner_id'),
];

/** For what is part of a turn: whoever sees the turn sees it. */
export const policiesOfTurnParts = () => [
  tenancy(sql`${SERVER} OR EXISTS (SELECT 1 FROM turn WHERE turn.id = turn_id)`),
];

/** For balances: the viewer's, and those of the cluster, which have no owner and are for all. */
export const policiesOfBalances = () => [tenancy(sql`${SERVER} OR owner_id IN (${VIEWER}, '')`)];

/** For the ledger of balances: what others caused in those of the cluster is not shown. */
export const policiesOfLedger = () => [
  tenancy(sql`${SERVER} OR owner_id = ${VIEWER}`),
  pgPolicy('cluster', { for: 'insert', withCheck: sql`owner_id = ''` }),
];

/** For what viewers cause to be written, and only the server reads. */
export const policiesOfAudit = () => [
  tenancy(SERVER),
  pgPolicy('witness', { for: 'insert', withCheck: sql`actor_id = ${VIEWER}` }),
];
