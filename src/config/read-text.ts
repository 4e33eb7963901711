/** Reads the text files that the configuration names. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { toConfigError } from './problems.ts';

/** Throws a configuration error that names what asked for the file. Relative names are resolved against `cwd`. */
export function readText(origin: string, file: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8');
  } catch (error) {
    throw toConfigError(
      origin,
      `cannot read ${JSON.stringify(file)} (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
