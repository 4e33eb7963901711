/** The table of uploads: bytes that wait for the question or the import that uses them. */
import { customType, index, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';
import { policiesOfOwner } from './policies.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const uploads = pgTable(
  'upload',
  {
    id: uuid('id').primaryKey(),
    ownerId: text('owner_id').notNull(),
    contentType: text('content_type').notNull(),
    bytes: bytea('bytes').notNull(),
    byteSize: integer('byte_size').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    index('upload_by_owner').on(table.ownerId),
    index('upload_by_age').on(table.createdAt),
    ...policiesOfOwner(),
  ],
);
