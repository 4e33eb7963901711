/** Writes the schema, sorted, to schema.graphql; with `--check` only tells whether the file is what would be written. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { createSchema } from './schema.ts';

export const SCHEMA_FILE = new URL('../../schema.graphql', import.meta.url);

export function toSchemaText(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}

/** The exit code: 1 when the file was to be checked and differs. */
function run(isCheck: boolean): number {
  const text = toSchemaText(createSchema());
  if (!isCheck) {
    writeFileSync(SCHEMA_FILE, text);
    return 0;
  }
  if (readFileSync(SCHEMA_FILE, 'utf8') === text) return 0;
  process.stderr.write('schema.graphql is out of date: run "npm run schema"\n');
  return 1;
}

if (import.meta.main) process.exitCode = run(process.argv.includes('--check'));
