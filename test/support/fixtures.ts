/** Finds the recorded streams that may lie beside the project. They are read where they are and never copied. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { JsonObject } from '../../src/types/json.ts';

export interface Fixtures {
  /** File names without `.jsonl`, sorted. */
  readonly names: readonly string[];
  /** The events of one recording in order. */
  read(name: string): readonly JsonObject[];
  /** Another JSON file of the folder, such as `expected/NAME.json`. */
  readJson(path: string): unknown;
}

const FOLDER = new URL('../../../shared/fixtures/responses/', import.meta.url);

/** Undefined when the folder is not there: tests then say so in a title instead of passing in silence. */
export function findFixtures(): Fixtures | undefined {
  if (!existsSync(FOLDER)) return undefined;
  const names = readdirSync(FOLDER)
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => file.slice(0, -'.jsonl'.length))
    .sort();
  return {
    names,
    read: (name) =>
      readFileSync(new URL(`${name}.jsonl`, FOLDER), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line): JsonObject => JSON.parse(line)),
    readJson: (path) => JSON.parse(readFileSync(new URL(path, FOLDER), 'utf8')),
  };
}
