/** The table of what viewers did with what belongs to others, and with all that is theirs. Rows are only ever added. */
import { bigint, index, pgTable, text } from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';
import { policiesOfAudit } from './policies.ts';

export const auditLog = pgTable(
  'audit_log',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: moment('at').notNull().defaultNow(),
    actorId: text('actor_id').notNull(),
    action: text('action').notNull(),
    /** Whose it was; null: everyone's. */
    subjectId: text('subject_id'),
    /** What it was, such as `turn` and its id; null: no single thing. */
    targetKind: text('target_kind').$type<'conversation' | 'turn' | 'limiter'>(),
    targetId: text('target_id'),
  },
  (table) => [index('audit_log_by_subject').on(table.subjectId, table.at), ...policiesOfAudit()],
);
