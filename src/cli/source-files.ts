/** Collects the files that can be imported as documents, and reads them. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, resolve, sep } from 'node:path';
import type { DocumentFormat, DocumentSource } from '../types/document.ts';

export interface SourceFile {
  readonly path: string;
  /** The path from the working directory, or from the root for files outside of it, with "/" between its parts. */
  readonly name: string;
  readonly format: DocumentFormat;
}

/** A path that cannot be imported, and why in words for a person. */
export interface RefusedPath {
  readonly path: string;
  readonly reason: string;
}

export interface CollectedSources {
  /** In the order of the paths, those of one folder by name; no file twice. */
  readonly files: readonly SourceFile[];
  readonly refused: readonly RefusedPath[];
}

export const MAX_FILE_BYTES = 10 * 1_048_576;

const FORMATS: ReadonlyMap<string, DocumentFormat> = new Map([
  ['.md', 'MARKDOWN'],
  ['.markdown', 'MARKDOWN'],
  ['.txt', 'TEXT'],
  ['.html', 'HTML'],
  ['.htm', 'HTML'],
]);

interface Walk {
  readonly files: SourceFile[];
  readonly refused: RefusedPath[];
  /** Real paths: ends loops of symbolic links. */
  readonly seen: Set<string>;
}

/**
 * Walks the paths. In folders, files of other kinds, hidden entries and node_modules are left out silently;
 * a path that was named itself is refused with a reason instead. Never throws for a single path.
 */
export async function collectSources(paths: readonly string[]): Promise<CollectedSources> {
  const walk: Walk = { files: [], refused: [], seen: new Set() };
  for (const path of paths) await visit(walk, path, true);
  return { files: walk.files, refused: walk.refused };
}

async function visit(walk: Walk, path: string, isNamed: boolean): Promise<void> {
  try {
    const real = await realpath(path);
    if (walk.seen.has(real)) return;
    walk.seen.add(real);
    const found = await stat(real);
    if (found.isDirectory()) return await visitFolder(walk, path);
    visitFile(walk, { path, isNamed, isFile: found.isFile(), size: found.size });
  } catch (error) {
    walk.refused.push({ path, reason: toReason(error) });
  }
}

async function visitFolder(walk: Walk, folder: string): Promise<void> {
  const names = await readdir(folder);
  for (const name of names.sort()) {
    if (!name.startsWith('.') && name !== 'node_modules') await visit(walk, join(folder, name), false);
  }
}

interface VisitedFile {
  readonly path: string;
  readonly isNamed: boolean;
  readonly isFile: boolean;
  readonly size: number;
}

function visitFile(walk: Walk, { path, isNamed, isFile, size }: VisitedFile): void {
  const format = FORMATS.get(extname(path).toLowerCase());
  if (format === undefined || !isFile) {
    const kinds = [...FORMATS.keys()].join(', ');
    if (isNamed) walk.refused.push({ path, reason: `is not a file of a known kind (${kinds})` });
  } else if (size > MAX_FILE_BYTES) {
    walk.refused.push({ path, reason: `is too large: ${size} bytes, at most ${MAX_FILE_BYTES} are allowed` });
  } else {
    walk.files.push({ path, name: toName(path), format });
  }
}

function toName(path: string): string {
  const fromHere = relative(process.cwd(), path);
  const isOutside = fromHere.startsWith('..') || resolve(fromHere) === fromHere;
  return (isOutside ? resolve(path) : fromHere).split(sep).filter(Boolean).join('/');
}

/** Reads a collected file as UTF-8. A binary file is refused with a reason. */
export async function readSource(file: SourceFile): Promise<DocumentSource | RefusedPath> {
  const { path, name, format } = file;
  try {
    const bytes = await readFile(path);
    if (bytes.includes(0)) return { path, reason: 'is a binary file (it contains NUL bytes)' };
    return { name, format, content: new TextDecoder().decode(bytes) };
  } catch (error) {
    return { path, reason: toReason(error) };
  }
}

function toReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read';
    case 'ELOOP':
      return 'is a symbolic link that leads to itself';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
