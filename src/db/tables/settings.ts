/** The table of what administrators switch while the server runs, for all nodes. */
import { jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import type { JsonValue } from '../../types/json.ts';

export const settings = pgTable('setting', {
  key: text('key').primaryKey(),
  value: jsonb('value').$type<JsonValue>().notNull(),
});
