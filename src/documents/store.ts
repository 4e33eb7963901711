/** All SQL of the document store. What may be stored is decided in documents.ts; every function runs in its caller's transaction. */
import { eq, inArray, sql } from 'drizzle-orm';
import type { AnyTx } from '../db/client.ts';
import { documents, passages, passageTerms, seededDocuments } from '../db/tables/documents.ts';
import type { Document, FoundPassage } from '../types/document.ts';
import type { Passage } from './passages.ts';

export interface DocumentRow extends Document {
  readonly contentHash: string;
}

export interface DocumentPage {
  readonly limit: number;
  /** Only documents behind this one in the order (name, id). */
  readonly after?: { readonly name: string; readonly id: string } | undefined;
}

/** A passage and the words that it is found by. */
export interface PassageRow extends Passage {
  readonly searchText: string;
}

const DOCUMENT = {
  id: documents.id,
  name: documents.name,
  title: documents.title,
  url: documents.url,
  format: documents.format,
  passageCount: documents.passageCount,
  byteSize: documents.byteSize,
  importedAt: documents.importedAt,
};

/** Passages of one statement: bounds its size. */
const BATCH = 500;

/**
 * Inserts the document, or replaces the one of that name (whose id stays) when its content hash differs.
 * Undefined when it does not differ. Either way the row is locked until the end of the transaction.
 */
export async function upsertDocument(tx: AnyTx, row: DocumentRow): Promise<Document | undefined> {
  const { id: _id, name: _name, ...changes } = row;
  const [stored] = await tx
    .insert(documents)
    .values(row)
    .onConflictDoUpdate({
      target: documents.name,
      set: { ...changes, termCount: 0 },
      setWhere: sql`${documents.contentHash} <> excluded.content_hash`,
    })
    .returning(DOCUMENT);
  return stored;
}

/** Puts the passages in place of those that the document has, and counts their terms. The document's row must be locked. */
export async function replacePassages(
  tx: AnyTx,
  documentId: string,
  rows: readonly PassageRow[],
): Promise<void> {
  await tx.delete(passages).where(eq(passages.documentId, documentId));
  for (let start = 0; start < rows.length; start += BATCH) {
    await insertPassages(tx, documentId, toJson(rows.slice(start, start + BATCH), start));
  }
  await tx
    .update(documents)
    .set({
      termCount: sql`(SELECT coalesce(sum(${passages.length}), 0) FROM ${passages} WHERE ${passages.documentId} = ${documentId})`,
    })
    .where(eq(documents.id, documentId));
}

function toJson(rows: readonly PassageRow[], start: number): string {
  return JSON.stringify(
    rows.map(({ heading, text, searchText }, index) => ({
      ordinal: start + index,
      heading,
      text,
      search_text: searchText,
    })),
  );
}

async function insertPassages(tx: AnyTx, documentId: string, json: string): Promise<void> {
  await tx.execute(sql`
    WITH source AS MATERIALIZED (
      SELECT ordinal, heading, text, to_tsvector('english', search_text) AS terms
      FROM json_to_recordset(${json}::json) AS row(ordinal integer, heading text, text text, search_text text)
    ), inserted AS (
      INSERT INTO ${passages} (document_id, ordinal, heading, text, length)
      SELECT ${documentId}::uuid, ordinal, heading, text,
        (SELECT coalesce(sum(cardinality(positions)), 0) FROM unnest(terms))
      FROM source
      RETURNING id, ordinal, length
    )
    INSERT INTO ${passageTerms} (passage_id, term, frequency, length)
    SELECT inserted.id, term.lexeme, cardinality(term.positions), inserted.length
    FROM source JOIN inserted USING (ordinal), unnest(source.terms) AS term`);
}

export async function listDocumentRows(tx: AnyTx, page: DocumentPage): Promise<readonly Document[]> {
  const { after, limit } = page;
  return tx
    .select(DOCUMENT)
    .from(documents)
    .where(after && sql`(${documents.name}, ${documents.id}) > (${after.name}, ${after.id}::uuid)`)
    .orderBy(documents.name, documents.id)
    .limit(limit);
}

export async function findDocumentById(tx: AnyTx, id: string): Promise<Document | undefined> {
  const [row] = await tx.select(DOCUMENT).from(documents).where(eq(documents.id, id));
  return row;
}

export async function findDocumentByName(tx: AnyTx, name: string): Promise<Document | undefined> {
  const [row] = await tx.select(DOCUMENT).from(documents).where(eq(documents.name, name));
  return row;
}

export async function deleteDocumentById(tx: AnyTx, id: string): Promise<Document | undefined> {
  const [row] = await tx.delete(documents).where(eq(documents.id, id)).returning(DOCUMENT);
  return row;
}

export async function deleteDocumentsByName(tx: AnyTx, names: readonly string[]): Promise<void> {
  if (names.length > 0) await tx.delete(documents).where(inArray(documents.name, [...names]));
}

/** How many different terms of a query are looked up, in the order of the query. */
const MAX_QUERY_TERMS = 32;

/**
 * BM25 with k1 = 1.2 and b = 0.75 and the never negative idf ln(1 + (N − df + ½) / (df + ½)), best first
 * (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009).
 */
export async function searchPassages(
  tx: AnyTx,
  searchText: string,
  limit: number,
): Promise<readonly FoundPassage[]> {
  return tx.execute<FoundPassage & Record<string, unknown>>(sql`
    WITH query AS (
      SELECT lexeme AS term FROM unnest(to_tsvector('english', ${searchText})) ORDER BY positions[1] LIMIT ${MAX_QUERY_TERMS}
    ), corpus AS (
      SELECT sum(passage_count)::float8 AS passages, sum(term_count)::float8 / nullif(sum(passage_count), 0) AS length
      FROM ${documents}
    ), posting AS MATERIALIZED (
      SELECT query.term, hit.* FROM query, LATERAL (
        SELECT passage_id, frequency, length FROM ${passageTerms} WHERE passage_term.term = query.term OFFSET 0
      ) AS hit
    ), weight AS (
      SELECT term, ln(1 + (corpus.passages - count(*) + 0.5) / (count(*) + 0.5)) AS idf
      FROM posting, corpus GROUP BY term, corpus.passages
    ), best AS (
      SELECT passage_id,
        sum(idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + posting.length / corpus.length * 0.75))) AS score
      FROM posting JOIN weight USING (term), corpus
      GROUP BY passage_id ORDER BY score DESC, passage_id LIMIT ${limit}
    )
    SELECT document.id AS "documentId", document.name AS "documentName", document.title, document.url,
      passage.ordinal, passage.heading, passage.text, best.score
    FROM best JOIN ${passages} ON passage.id = best.passage_id JOIN ${documents} ON document.id = passage.document_id
    ORDER BY best.score DESC, best.passage_id`);
}

/** Makes the caller the only one that seeds until the end of its transaction; the hashes of what was seeded before, by name. */
export async function lockSeeds(tx: AnyTx): Promise<ReadonlyMap<string, string>> {
  await tx.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended('millrace.seeded_document', 0))`);
  const rows = await tx.select().from(seededDocuments);
  return new Map(rows.map((row) => [row.name, row.contentHash]));
}

/** Remembers exactly these as seeded. */
export async function replaceSeeds(tx: AnyTx, seeds: ReadonlyMap<string, string>): Promise<void> {
  await tx.delete(seededDocuments);
  if (seeds.size === 0) return;
  await tx
    .insert(seededDocuments)
    .values(Array.from(seeds, ([name, contentHash]) => ({ name, contentHash })));
}
