/** Tables of the built-in document store and of its search: shared by all viewers. */

import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import type { DocumentFormat } from '../../types/document.ts';
import { moment } from './columns.ts';

/** Text compared byte by byte: faster than by language, and terms have no other order. */
const bytewiseText = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

export const documents = pgTable(
  'document',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull().unique('document_name'),
    title: text('title').notNull(),
    url: text('url'),
    format: text('format').$type<DocumentFormat>().notNull(),
    /** SHA-256 of everything that the stored passages were made from. */
    contentHash: text('content_hash').notNull(),
    byteSize: integer('byte_size').notNull(),
    passageCount: integer('passage_count').notNull(),
    /** Sum of the passages' lengths: with `passage_count`, the average length that BM25 needs, without reading passages. */
    termCount: bigint('term_count', { mode: 'number' }).notNull().default(0),
    importedAt: moment('imported_at').notNull(),
  },
  (table) => [check('document_counts', sql`${table.passageCount} >= 0 AND ${table.termCount} >= 0`)],
);

export const passages = pgTable(
  'passage',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    documentId: uuid('document_id')
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    ordinal: integer('ordinal').notNull(),
    heading: text('heading'),
    text: text('text').notNull(),
    /** Number of terms, repetitions counted. */
    length: integer('length').notNull(),
  },
  (table) => [index('passage_by_document').on(table.documentId, table.ordinal)],
);

/** How often a term stands in a passage. The length is repeated here so that scoring reads one index and no table. */
export const passageTerms = pgTable(
  'passage_term',
  {
    passageId: bigint('passage_id', { mode: 'number' })
      .notNull()
      .references(() => passages.id, { onDelete: 'cascade' }),
    term: bytewiseText('term').notNull(),
    frequency: integer('frequency').notNull(),
    length: integer('length').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.passageId, table.term] }),
    index('passage_term_search').on(table.term, table.passageId, table.frequency, table.length),
  ],
);

/** Which of Millrace's own pages were imported, in which version: one that was deleted does not come back at the next start. */
export const seededDocuments = pgTable('seeded_document', {
  name: text('name').primaryKey(),
  contentHash: text('content_hash').notNull(),
});
