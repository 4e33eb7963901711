/** Manifests of persisted operations, as the tools of Apollo, Relay and GraphQL Code Generator write them. */
import { readFile } from 'node:fs/promises';
import { parse } from 'graphql';
import { z } from 'zod';
import { toConfigError } from '../config/problems.ts';

const SETTING = 'persistedOperations.manifest';

/** https://www.apollographql.com/docs/graphos/platform/security/persisted-queries */
const apolloSchema = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string().min(1), body: z.string().min(1) })),
});
/** Relay's `persistConfig.file`, and Code Generator's `persisted-documents.json`. */
const mappingSchema = z.record(z.string().min(1), z.string().min(1));

/** The documents by id. Throws a configuration error of one line when the file is not such a manifest. */
export async function readManifest(path: string): Promise<ReadonlyMap<string, string>> {
  const refuse = (problem: string) => toConfigError(SETTING, `${JSON.stringify(path)} ${problem}`);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refuse(`cannot be read (${error.code ?? error.message})`);
  });
  const texts = toTexts(parseJson(text));
  if (texts === undefined) {
    throw refuse("must be JSON: Apollo's persisted query manifest, or a mapping from ids to documents");
  }
  for (const [id, document] of texts) {
    const problem = findProblem(document);
    if (problem !== undefined) throw refuse(`has no GraphQL document under "${id}": ${problem}`);
  }
  return texts;
}

function toTexts(value: unknown): ReadonlyMap<string, string> | undefined {
  const apollo = apolloSchema.safeParse(value);
  if (apollo.success) return new Map(apollo.data.operations.map(({ id, body }) => [id, body]));
  const mapping = mappingSchema.safeParse(value);
  return mapping.success ? new Map(Object.entries(mapping.data)) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function findProblem(document: string): string | undefined {
  try {
    parse(document);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
