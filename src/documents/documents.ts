/** The built-in document store: importing, listing, deleting and searching documents that all viewers share. */
import { createHash } from 'node:crypto';
import type { AnyTx, Database } from '../db/client.ts';
import { AppError } from '../errors.ts';
import { isUuid, newId } from '../lib/ids.ts';
import type { Document, DocumentSource, FoundPassage } from '../types/document.ts';
import type { Viewer } from '../types/viewer.ts';
import { requireImportable } from './importable.ts';
import { PARSER_VERSION, type ParsedDocument, parseDocument } from './parse.ts';
import type { Passage } from './passages.ts';
import { toSearchText } from './search-text.ts';
import {
  type DocumentPage,
  deleteDocumentById,
  findDocumentById,
  findDocumentByName,
  listDocumentRows,
  replacePassages,
  searchPassages,
  upsertDocument,
} from './store.ts';

export interface DocumentsDeps {
  readonly database: Database;
  /** Milliseconds since the Unix epoch; absent: the clock. */
  readonly now?: () => number;
}

export interface ImportDeps extends DocumentsDeps {
  /** Largest content in UTF-8 bytes; absent: 1 MiB. */
  readonly maxContentBytes?: number;
}

export const IMPORT_OUTCOMES = ['CREATED', 'REPLACED', 'UNCHANGED'] as const;

export interface ImportOutcome {
  readonly document: Document;
  readonly outcome: (typeof IMPORT_OUTCOMES)[number];
}

export interface DocumentSearch {
  readonly query: string;
  /** 1 to 100. */
  readonly limit: number;
}

const DEFAULT_MAX_CONTENT_BYTES = 1_048_576;
export const MAX_FOUND = 100;
/** Of longer queries only the beginning is searched for: the question stands there. */
const MAX_QUERY_LENGTH = 4_000;

/**
 * Imports the sources in order, each in a transaction of its own; the outcomes come in the same order.
 * A source whose name exists replaces that document, which keeps its id; the same source again changes nothing.
 * All sources are checked before the first is imported: throws BAD_USER_INPUT and has then stored nothing.
 */
export async function importDocuments(
  deps: ImportDeps,
  viewer: Viewer,
  sources: readonly DocumentSource[],
): Promise<readonly ImportOutcome[]> {
  const prepared = sources.map((source) => prepareDocument(source, deps.maxContentBytes));
  const outcomes: ImportOutcome[] = [];
  for (const document of prepared) {
    outcomes.push(await deps.database.asViewer(viewer, (tx) => storeDocument(tx, document, deps.now)));
  }
  return outcomes;
}

/** The same for one source of the server's own, such as a file of the command line. */
export async function importServerDocument(deps: ImportDeps, source: DocumentSource): Promise<ImportOutcome> {
  const prepared = prepareDocument(source, deps.maxContentBytes);
  return deps.database.asWorker((tx) => storeDocument(tx, prepared, deps.now));
}

export interface PreparedDocument extends ParsedDocument {
  readonly source: DocumentSource;
  /** Covers everything that the stored document is made from, hex. */
  readonly contentHash: string;
}

/** Checks and reads a source. Throws BAD_USER_INPUT. */
export function prepareDocument(
  source: DocumentSource,
  maxContentBytes = DEFAULT_MAX_CONTENT_BYTES,
): PreparedDocument {
  requireImportable(source, maxContentBytes);
  const parsed = parseDocument(source);
  if (parsed.passages.length === 0) {
    throw new AppError('BAD_USER_INPUT', `The document '${source.name}' has no text`);
  }
  return { ...parsed, source, contentHash: toContentHash(source) };
}

/** Stores a document within a transaction. Concurrent imports of one name wait for each other. */
export async function storeDocument(
  tx: AnyTx,
  { source, title, passages, contentHash }: PreparedDocument,
  now: () => number = Date.now,
): Promise<ImportOutcome> {
  const id = newId();
  const stored = await upsertDocument(tx, {
    id,
    name: source.name,
    title,
    url: source.url ?? null,
    format: source.format,
    passageCount: passages.length,
    byteSize: Buffer.byteLength(source.content),
    importedAt: new Date(now()),
    contentHash,
  });
  if (stored === undefined) return { document: await getByName(tx, source.name), outcome: 'UNCHANGED' };
  const rows = passages.map((passage) => ({ ...passage, searchText: toPassageText(title, passage) }));
  await replacePassages(tx, stored.id, rows);
  return { document: stored, outcome: stored.id === id ? 'CREATED' : 'REPLACED' };
}

/** A passage is also found by the title of its document and by the headings above it. */
function toPassageText(title: string, passage: Passage): string {
  return toSearchText(`${title}\n${passage.heading ?? ''}\n${passage.text}`);
}

function toContentHash(source: DocumentSource): string {
  const { format, content, title = null, url = null } = source;
  return createHash('sha256')
    .update(JSON.stringify([PARSER_VERSION, format, title, url, content]))
    .digest('hex');
}

async function getByName(tx: AnyTx, name: string): Promise<Document> {
  const document = await findDocumentByName(tx, name);
  if (document === undefined) throw new AppError('NOT_FOUND', `Document '${name}' does not exist`);
  return document;
}

/** In the order (name, id). */
export function listDocuments(
  deps: DocumentsDeps,
  viewer: Viewer,
  page: DocumentPage,
): Promise<readonly Document[]> {
  return deps.database.asViewer(viewer, (tx) => listDocumentRows(tx, page));
}

export async function findDocument(
  deps: DocumentsDeps,
  viewer: Viewer,
  id: string,
): Promise<Document | undefined> {
  if (!isUuid(id)) return undefined;
  return deps.database.asViewer(viewer, (tx) => findDocumentById(tx, id));
}

/** Deletes the document with its passages and returns what it was. Throws NOT_FOUND. */
export async function deleteDocument(deps: DocumentsDeps, viewer: Viewer, id: string): Promise<Document> {
  const deleted = isUuid(id)
    ? await deps.database.asViewer(viewer, (tx) => deleteDocumentById(tx, id))
    : undefined;
  if (deleted === undefined) throw new AppError('NOT_FOUND', `Document with ID ${id} does not exist`);
  return deleted;
}

/** The passages that match best, best first; none when the query has only stop words. Throws BAD_USER_INPUT for a limit out of range. */
export function searchDocuments(
  deps: DocumentsDeps,
  viewer: Viewer,
  search: DocumentSearch,
): Promise<readonly FoundPassage[]> {
  return deps.database.asViewer(viewer, (tx) => findPassages(tx, search));
}

/** The same search for the server's own work. */
export function searchServerDocuments(
  deps: DocumentsDeps,
  search: DocumentSearch,
): Promise<readonly FoundPassage[]> {
  return deps.database.asWorker((tx) => findPassages(tx, search));
}

async function findPassages(tx: AnyTx, { query, limit }: DocumentSearch): Promise<readonly FoundPassage[]> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_FOUND) {
    throw new AppError('BAD_USER_INPUT', `limit must be between 1 and ${MAX_FOUND}, but is ${limit}`);
  }
  const searchText = toSearchText(query.slice(0, MAX_QUERY_LENGTH));
  return searchText === '' ? [] : searchPassages(tx, searchText, limit);
}
