/** Operations that clients name by id instead of sending their text, on every transport. Where the ids come from lives in persisted-manifest.ts. */
import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { isJsonObject } from '../types/json.ts';
import { readManifest } from './persisted-manifest.ts';

/** Parameters beside those of the specification by which an operation may be named: GraphQL over HTTP's, and Relay's. */
export const ID_PARAMETERS = ['documentId', 'doc_id'] as const;

export interface PersistedOperations {
  readonly mode: Config['persistedOperations']['mode'];
  /**
   * The parameters with the text of the operation that they name. Throws PERSISTED_QUERY_NOT_FOUND for an id that nobody
   * knows, and PERSISTED_QUERY_REQUIRED for a text that is not one of the manifest's where only those may be sent.
   */
  resolve<Params extends object>(params: Params): Params;
}

/** Reads the manifest that the configuration names. Throws a configuration error of one line when it is not acceptable. */
export async function createPersistedOperations({
  persistedOperations: { mode, manifest },
}: Pick<Config, 'persistedOperations'>): Promise<PersistedOperations> {
  if (mode === 'off' || manifest === undefined) return { mode: 'off', resolve: (params) => params };
  const texts = await readManifest(manifest);
  const known = new Set(texts.values());
  return {
    mode,
    resolve(params) {
      const { query } = params as { readonly query?: unknown };
      const id = findId(params);
      const persisted = id === undefined ? undefined : findText(texts, id);
      if (persisted !== undefined) return { ...params, query: persisted };
      const isText = typeof query === 'string' && query !== '';
      if (mode === 'allow' && isText) return params;
      if (isText && known.has(query)) return params;
      if (id !== undefined) throw new AppError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
      if (mode === 'allow') return params;
      throw new AppError('PERSISTED_QUERY_REQUIRED', 'Only persisted operations may be sent here');
    },
  };
}

/** The id, under any of the names that clients give it; on a WebSocket it stands in `extensions`, beside an empty `query`. */
function findId(params: object): string | undefined {
  const { extensions } = params as { readonly extensions?: unknown };
  const extended = isJsonObject(extensions) ? extensions : {};
  const { persistedQuery } = extended;
  const candidates = [
    ...ID_PARAMETERS.flatMap((name) => [(params as Record<string, unknown>)[name], extended[name]]),
    isJsonObject(persistedQuery) ? persistedQuery.sha256Hash : persistedQuery,
  ];
  return candidates.find((candidate) => typeof candidate === 'string');
}

const ALGORITHM = /^sha\d+:/;

/** GraphQL over HTTP names the algorithm before the hash, manifests leave it out. */
function findText(texts: ReadonlyMap<string, string>, id: string): string | undefined {
  return texts.get(id) ?? texts.get(id.replace(ALGORITHM, ''));
}
