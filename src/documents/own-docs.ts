/** Millrace's own pages in the document store, so that a server without any other document has something to answer from. */
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DocumentSource } from '../types/document.ts';
import { type DocumentsDeps, prepareDocument, storeDocument } from './documents.ts';
import { deleteDocumentsByName, lockSeeds, replaceSeeds } from './store.ts';

export interface OwnDocsDeps extends DocumentsDeps {
  /** Folder with README.md and docs/; absent: this package's. */
  readonly packageDir?: string;
}

/**
 * Imports the pages that are new or changed since the last time, and deletes those that no longer exist.
 * A page that somebody deleted or replaced stays as it is until its text changes. Nodes that start together do it once.
 * Returns the number of pages that were imported.
 */
export async function importOwnDocs(deps: OwnDocsDeps): Promise<number> {
  const sources = await readOwnDocs(deps.packageDir ?? fileURLToPath(new URL('../..', import.meta.url)));
  const pages = sources.map((source) => prepareDocument(source));
  const hashes = new Map(pages.map(({ source, contentHash }) => [source.name, contentHash]));
  return deps.database.asWorker(async (tx) => {
    const seeded = await lockSeeds(tx);
    const changed = pages.filter(({ source, contentHash }) => seeded.get(source.name) !== contentHash);
    const gone = [...seeded.keys()].filter((name) => !hashes.has(name));
    if (changed.length === 0 && gone.length === 0) return 0;
    await deleteDocumentsByName(tx, gone);
    for (const page of changed) await storeDocument(tx, page, deps.now);
    await replaceSeeds(tx, hashes);
    return changed.length;
  });
}

/** README.md and docs/ with its folders, by name; what is missing or empty is left out. */
async function readOwnDocs(packageDir: string): Promise<readonly DocumentSource[]> {
  const [top, docs] = await Promise.all([
    listMarkdown(packageDir, false),
    listMarkdown(join(packageDir, 'docs'), true),
  ]);
  const paths = [
    ...top.filter((path) => path === 'README.md'),
    ...docs.map((path) => join('docs', path)),
  ].sort();
  const sources = await Promise.all(
    paths.map(async (path) => ({
      name: `millrace/${path.replaceAll(sep, '/')}`,
      format: 'MARKDOWN' as const,
      content: await readFile(join(packageDir, path), 'utf8'),
    })),
  );
  return sources.filter((source) => source.content.trim() !== '');
}

async function listMarkdown(folder: string, recursive: boolean): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { recursive });
    return entries.filter((entry) => entry.endsWith('.md'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
