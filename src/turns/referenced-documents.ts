/** What an answer refers to: search results and citations of a response, made into documents and chunks. */
import { toStorable } from '../lib/text.ts';
import type { RagChunk, ReferencedDocument } from '../types/document.ts';
import type { JsonObject } from '../types/json.ts';
import { findNumber, findObject, findText, findWord, listObjects } from './fields.ts';

/** What the items of a response say about documents, in order of appearance. */
export interface DocumentSources {
  /** Results of file searches. */
  readonly results: readonly JsonObject[];
  /** Annotations of the text. */
  readonly citations: readonly JsonObject[];
}

export const NO_SOURCES: DocumentSources = { results: [], citations: [] };

/** The results that a finished item brings; items that are no file search bring none. */
export function listResults(item: JsonObject): readonly JsonObject[] {
  return item.type === 'file_search_call' ? listObjects(item, 'results') : [];
}

function listCitations(item: JsonObject): readonly JsonObject[] {
  if (item.type !== 'message') return [];
  return listObjects(item, 'content').flatMap((part) => listObjects(part, 'annotations'));
}

/**
 * The sources of a whole response: those of its final output, and where that has no results or no citations,
 * those that were streamed.
 */
export function toFinalSources(streamed: DocumentSources, output: readonly JsonObject[]): DocumentSources {
  const results = output.flatMap(listResults);
  const citations = output.flatMap(listCitations);
  return {
    results: results.length > 0 ? results : streamed.results,
    citations: citations.length > 0 ? citations : streamed.citations,
  };
}

/** Referenced documents in order of appearance, each pair of title and url once. */
export function toReferencedDocuments(sources: DocumentSources): readonly ReferencedDocument[] {
  const names = toFileNames(sources);
  const fromResults = sources.results.map((result) => ({
    title: findTitle(result, names),
    url: toHttpUrl(findWord(findObject(result, 'attributes'), 'link', 'url', 'doc_url')),
  }));
  const fromCitations = sources.citations.map((citation) => toCited(citation, names));
  const unique = new Map<string, ReferencedDocument>();
  for (const found of [...fromResults, ...fromCitations]) {
    const key = JSON.stringify([found.url, found.title]);
    if ((found.title !== null || found.url !== null) && !unique.has(key)) unique.set(key, found);
  }
  return [...unique.values()];
}

/** One chunk for each search result that has text; its source is the file's name, or its id where no name is known. */
export function toChunks(sources: DocumentSources): readonly RagChunk[] {
  const names = toFileNames(sources);
  return sources.results.flatMap((result) => {
    const content = findText(result, 'text');
    if (content === undefined) return [];
    const fileId = findWord(result, 'file_id');
    const source = findTitle(result, names) ?? (fileId === undefined ? null : toStorable(fileId));
    return [{ content: toStorable(content), source, score: findNumber(result, 'score') ?? null }];
  });
}

const NOTHING: ReferencedDocument = { title: null, url: null };

function toCited(citation: JsonObject, names: ReadonlyMap<string, string>): ReferencedDocument {
  if (citation.type === 'file_citation') return { title: findTitle(citation, names), url: null };
  if (citation.type !== 'url_citation') return NOTHING;
  const title = findWord(citation, 'title');
  return {
    title: title === undefined ? null : toStorable(title),
    url: toHttpUrl(findWord(citation, 'url')),
  };
}

/** Real names of files by their id: some backends name a file by its id in results and by its name in citations. */
function toFileNames(sources: DocumentSources): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const source of [...sources.results, ...sources.citations]) {
    const id = findWord(source, 'file_id');
    const name = findWord(source, 'filename');
    if (id !== undefined && name !== undefined && name !== id && !names.has(id)) names.set(id, name);
  }
  return names;
}

/** The name of the file that a result or citation speaks of; a file's id is no title. */
function findTitle(source: JsonObject, names: ReadonlyMap<string, string>): string | null {
  const id = findWord(source, 'file_id');
  const name = findWord(source, 'filename', 'title');
  const title = name === undefined || name === id ? names.get(id ?? '') : name;
  return title === undefined ? null : toStorable(title);
}

/** The normalised URL when it is an absolute http(s) one. */
function toHttpUrl(text: string | undefined): string | null {
  const url = text === undefined ? null : URL.parse(text);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.href : null;
}
