/** A backend over HTTP, put together from its parts: connection, lists, judgement, conversations, responses. */
import type { BackendConfig } from '../config/config.ts';
import type { Log } from '../log.ts';
import type { Backend, VectorStore } from './backend.ts';
import { createProfiler } from './capabilities.ts';
import { createCatalog } from './catalog.ts';
import { createConversations } from './conversations.ts';
import { toIdentity } from './errors.ts';
import { createClient } from './http.ts';
import { createModerations } from './moderations.ts';
import { streamResponse } from './responses.ts';
import { createFixedStores, createVectorStores } from './vector-stores.ts';

export interface BackendDeps {
  readonly log?: Log;
  /** Its vector stores, where they are known beforehand; a question that names none searches them all. */
  readonly vectorStores?: readonly VectorStore[];
}

/**
 * Holds nothing open between requests: there is nothing to dispose.
 * Throws BAD_USER_INPUT, in one line, when a file of its TLS settings cannot be read.
 */
export function createBackend(config: BackendConfig, deps: BackendDeps = {}): Backend {
  const { log, vectorStores } = deps;
  const connection = { client: createClient(config), config, identity: toIdentity(config) };
  const profiler = createProfiler(connection);
  const catalog = createCatalog(connection, profiler);
  return {
    id: config.id,
    location: toLocation(config.baseUrl),
    history: config.history,
    maxOutputTokens: config.maxOutputTokens,
    background: config.background,
    capabilities: async (signal) => (await profiler.getProfile(signal)).capabilities,
    listModels: catalog.listModels,
    ...(vectorStores ? createFixedStores(vectorStores) : createVectorStores(connection, profiler)),
    ...createModerations({ connection, profiler, catalog }),
    ...createConversations(connection),
    streamResponse: (request, signal) =>
      streamResponse({ ...connection, log, toWireId: catalog.toWireId }, request, signal),
  };
}

/** The URL without credentials, query and fragment. */
function toLocation(baseUrl: string): string {
  const { origin, pathname } = new URL(baseUrl);
  return `${origin}${pathname === '/' ? '' : pathname}`;
}
