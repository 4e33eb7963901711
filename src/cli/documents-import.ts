/** The work of `millrace documents import`: imports files into a database and tells how it went. The command itself is declared in program.ts. */
import { Presets, SingleBar } from 'cli-progress';
import type { Database } from '../db/client.ts';
import { importServerDocument } from '../documents/documents.ts';
import { isAppError } from '../errors.ts';
import { toVisible } from '../lib/text.ts';
import {
  collectSources,
  MAX_FILE_BYTES,
  type RefusedPath,
  readSource,
  type SourceFile,
} from './source-files.ts';

export interface ImportOutput {
  /** Receives the summary line. */
  readonly out: (text: string) => void;
  /** Receives a line for each file that was not imported. */
  readonly err: (text: string) => void;
  /** Where to draw a progress bar; absent, or no terminal: none is drawn. */
  readonly terminal?: NodeJS.WriteStream | undefined;
}

export interface ImportSummary {
  readonly created: number;
  readonly replaced: number;
  readonly unchanged: number;
  readonly failed: number;
  /** 0 when everything was imported, 1 when something failed or there was nothing to import. */
  readonly exitCode: 0 | 1;
}

/** One file after the other; a file that fails does not stop the others. Throws DEPENDENCY_UNAVAILABLE when the database is away. */
export async function runDocumentsImport(
  deps: { readonly database: Database },
  paths: readonly string[],
  output: ImportOutput,
): Promise<ImportSummary> {
  const { files, refused } = await collectSources(paths);
  const failures: RefusedPath[] = [...refused];
  const counts = { CREATED: 0, REPLACED: 0, UNCHANGED: 0 };
  const bar = startBar(files.length, output.terminal);
  try {
    for (const file of files) {
      const result = await importFile(deps.database, file);
      if (typeof result === 'string') counts[result] += 1;
      else failures.push(result);
      bar?.increment();
    }
  } finally {
    bar?.stop();
  }
  for (const { path, reason } of failures) output.err(`${toVisible(path)}: ${reason}\n`);
  const summary = {
    created: counts.CREATED,
    replaced: counts.REPLACED,
    unchanged: counts.UNCHANGED,
    failed: failures.length,
  };
  output.out(
    `${summary.created} created, ${summary.replaced} replaced, ${summary.unchanged} unchanged, ${summary.failed} failed\n`,
  );
  return { ...summary, exitCode: failures.length > 0 || files.length === 0 ? 1 : 0 };
}

type Outcome = Awaited<ReturnType<typeof importServerDocument>>['outcome'];

async function importFile(database: Database, file: SourceFile): Promise<Outcome | RefusedPath> {
  const source = await readSource(file);
  if ('reason' in source) return source;
  try {
    const { outcome } = await importServerDocument({ database, maxContentBytes: MAX_FILE_BYTES }, source);
    return outcome;
  } catch (error) {
    if (!isAppError(error, 'BAD_USER_INPUT')) throw error;
    return { path: file.path, reason: error.message };
  }
}

function startBar(total: number, terminal: NodeJS.WriteStream | undefined): SingleBar | undefined {
  if (total === 0 || terminal?.isTTY !== true) return undefined;
  const bar = new SingleBar(
    {
      format: 'Importing [{bar}] {value}/{total}',
      stream: terminal,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return bar;
}
