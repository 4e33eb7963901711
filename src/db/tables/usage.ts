/** The table of the tokens that viewers have spent. */
import { bigint, date, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import type { UsageKind } from '../../types/usage.ts';
import { policiesOfOwner } from './policies.ts';

export const tokenUsage = pgTable(
  'token_usage',
  {
    ownerId: text('owner_id').notNull(),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    kind: text('kind').$type<UsageKind>().notNull(),
    /** Of the database's clock, in UTC. */
    day: date('day', { mode: 'string' }).notNull(),
    inputTokens: bigint('input_tokens', { mode: 'number' }).notNull(),
    outputTokens: bigint('output_tokens', { mode: 'number' }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.ownerId, table.day, table.provider, table.model, table.kind] }),
    ...policiesOfOwner(),
  ],
);
