/** Tables of the event log. */
import { sql } from 'drizzle-orm';
import { check, customType, integer, pgTable, primaryKey, uuid } from 'drizzle-orm/pg-core';
import { turns } from './conversations.ts';
import { policiesOfTurnParts } from './policies.ts';

/** JSON kept as the text that was written: only the codec reads it. */
const jsonText = customType<{ data: string }>({ dataType: () => 'json' });

/** One row per turn and flush. */
export const turnEventBatches = pgTable(
  'turn_event_batch',
  {
    turnId: uuid('turn_id')
      .notNull()
      .references(() => turns.id, { onDelete: 'cascade' }),
    firstSeq: integer('first_seq').notNull(),
    lastSeq: integer('last_seq').notNull(),
    epoch: integer('epoch').notNull(),
    events: jsonText('events').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.turnId, table.firstSeq] }),
    check('turn_event_batch_order', sql`${table.firstSeq} > 0 AND ${table.lastSeq} >= ${table.firstSeq}`),
    ...policiesOfTurnParts(),
  ],
);

/** The first sequence number that a later writer gave: what an older writer gave from there on never happened. */
export const turnEpochs = pgTable(
  'turn_epoch',
  {
    turnId: uuid('turn_id')
      .notNull()
      .references(() => turns.id, { onDelete: 'cascade' }),
    epoch: integer('epoch').notNull(),
    firstSeq: integer('first_seq').notNull(),
  },
  (table) => [primaryKey({ columns: [table.turnId, table.epoch] }), ...policiesOfTurnParts()],
);
