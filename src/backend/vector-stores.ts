/** The vector stores of one backend: which there are, and which a question searches when it names none. */
import { z } from 'zod';
import type { BackendConfig } from '../config/config.ts';
import { createTtlCache } from '../lib/ttl-cache.ts';
import { ask, type Connection, getCached, isLacking } from './ask.ts';
import type { Backend, VectorStore } from './backend.ts';
import type { Profiler } from './capabilities.ts';
import { toProtocolError } from './errors.ts';

export type VectorStores = Pick<Backend, 'knownVectorStores' | 'defaultVectorStores'>;

const CACHE_MS = 60_000;
const FAILURE_CACHE_MS = 1_000;
const PAGE_SIZE = 100;
/** More stores than these pages hold are not looked at. */
const MAX_PAGES = 50;

/** Stores that are known beforehand, all of which are searched. */
export function createFixedStores(stores: readonly VectorStore[]): VectorStores {
  const ids = stores.map(({ id }) => id);
  return { knownVectorStores: async () => stores, defaultVectorStores: async () => ids };
}

export function createVectorStores(connection: Connection, profiler: Profiler): VectorStores {
  const setting = connection.config.vectorStores;
  const named = toNamedStores(setting);
  const cache = createTtlCache({
    load: () => fetchStores(connection),
    ttlMs: CACHE_MS,
    failureTtlMs: FAILURE_CACHE_MS,
  });
  const knownVectorStores = async (signal: AbortSignal) => {
    const { capabilities } = await profiler.getProfile(signal);
    const listed =
      capabilities.vectorStores || setting === 'all' ? await getCached(cache, signal) : undefined;
    return listed ?? named;
  };
  return {
    knownVectorStores,
    defaultVectorStores: async (signal) => {
      const chosen = setting ?? (await chooseSetting(profiler, signal));
      if (chosen === 'none') return [];
      if (chosen !== 'all') return chosen;
      const stores = await knownVectorStores(signal);
      return stores?.map(({ id }) => id) ?? [];
    },
  };
}

/** Those that the configuration names; undefined where it names none. */
function toNamedStores(setting: BackendConfig['vectorStores']): readonly VectorStore[] | undefined {
  if (typeof setting !== 'object' || setting.length === 0) return undefined;
  return setting.map((id) => ({ id, name: null }));
}

async function chooseSetting(
  profiler: Profiler,
  signal: AbortSignal,
): Promise<NonNullable<BackendConfig['vectorStores']>> {
  const { kind } = await profiler.getProfile(signal);
  return kind === 'llama-stack' ? 'all' : 'none';
}

const pageSchema = z.object({
  data: z.array(z.object({ id: z.string().min(1), name: z.string().nullish().catch(null) })),
  has_more: z.boolean().nullish().catch(false),
});

/** Undefined when the backend has no such list. */
async function fetchStores(connection: Connection): Promise<readonly VectorStore[] | undefined> {
  const stores = new Map<string, VectorStore>();
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const body = await fetchPage(connection, after);
    if (body === undefined) return undefined;
    const { data, has_more } = parsePage(body);
    for (const { id, name } of data) stores.set(id, { id, name: name || null });
    after = data.at(-1)?.id;
    if (!has_more || after === undefined) break;
  }
  return [...stores.values()];
}

async function fetchPage(connection: Connection, after: string | undefined): Promise<unknown> {
  const query = { limit: PAGE_SIZE, ...(after !== undefined && { after }) };
  try {
    return await ask(connection, { method: 'get', path: '/vector_stores', query });
  } catch (error) {
    if (isLacking(error)) return undefined;
    throw error;
  }
}

function parsePage(body: unknown): z.output<typeof pageSchema> {
  const page = pageSchema.safeParse(body);
  if (page.success) return page.data;
  throw toProtocolError('Its list of vector stores is not one.');
}
