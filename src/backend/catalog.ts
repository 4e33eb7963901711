/** The models of one backend: as configured, or as GET /models lists them. */
import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { BackendConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { orAborted } from '../lib/abort.ts';
import { createTtlCache } from '../lib/ttl-cache.ts';
import type { BackendModel } from './backend.ts';
import { type BackendIdentity, toProtocolError, toRequestError } from './errors.ts';

export interface CatalogDeps {
  readonly client: OpenAI;
  readonly config: BackendConfig;
  readonly identity: BackendIdentity;
}

export interface Catalog {
  /** See Backend.listModels. An aborted caller gets the signal's reason; the call that others wait for goes on. */
  listModels(signal: AbortSignal): Promise<readonly BackendModel[]>;
}

const CACHE_MS = 60_000;
const FAILURE_CACHE_MS = 1_000;
const LIST_TIMEOUT_MS = 10_000;

export function createCatalog(deps: CatalogDeps): Catalog {
  const { models, contextWindow } = deps.config;
  if (models.length > 0) {
    const configured = models.map((id) => ({ id, kind: toKind(id, undefined), contextWindow }));
    return { listModels: async () => configured };
  }
  const cache = createTtlCache({
    load: () => fetchModels(deps),
    ttlMs: CACHE_MS,
    failureTtlMs: FAILURE_CACHE_MS,
  });
  return {
    listModels: async (signal) => {
      const listed = await orAborted(cache.get(), signal);
      signal.throwIfAborted();
      return listed ?? [];
    },
  };
}

async function fetchModels({ client, config, identity }: CatalogDeps): Promise<readonly BackendModel[]> {
  const timeout = AbortSignal.timeout(LIST_TIMEOUT_MS);
  try {
    const body = await client.get<unknown>('/models', { signal: timeout });
    return parseModels(body, config.contextWindow);
  } catch (error) {
    if (!timeout.aborted) throw toRequestError(error, identity);
    throw new AppError('BACKEND_TIMEOUT', 'The backend did not list its models in time', { cause: error });
  }
}

const count = z.int().positive().optional().catch(undefined);
const text = z.string().min(1).optional().catch(undefined);
/** What OpenAI, Ollama, vLLM, Groq, OpenRouter and llama-stack (old and new) say of a model. */
const entrySchema = z.object({
  id: text,
  identifier: text,
  model_type: text,
  custom_metadata: z.object({ model_type: text, context_length: count }).optional().catch(undefined),
  max_model_len: count,
  context_length: count,
  context_window: count,
});
const listSchema = z.union([
  z.object({ data: z.array(z.unknown()) }).transform((body) => body.data),
  z.object({ models: z.array(z.unknown()) }).transform((body) => body.models),
  z.array(z.unknown()),
]);

/** Entries without an id are left out, as are repetitions. Throws BACKEND_PROTOCOL when the body is no list at all. */
export function parseModels(body: unknown, contextWindow: number): readonly BackendModel[] {
  const list = listSchema.safeParse(body);
  if (!list.success) throw toProtocolError('Its list of models is not one.');
  const models = new Map<string, BackendModel>();
  for (const entry of list.data) {
    const model = toModel(entry, contextWindow);
    if (model !== undefined && !models.has(model.id)) models.set(model.id, model);
  }
  return [...models.values()];
}

/** The smaller context window counts: the operator's limit, or what the backend says of itself. */
function toModel(entry: unknown, contextWindow: number): BackendModel | undefined {
  const parsed = entrySchema.safeParse(entry);
  const id = parsed.data?.identifier ?? parsed.data?.id;
  if (!parsed.success || id === undefined) return undefined;
  const { model_type, custom_metadata: custom, max_model_len, context_length, context_window } = parsed.data;
  const reported =
    max_model_len ?? context_length ?? context_window ?? custom?.context_length ?? contextWindow;
  return {
    id,
    kind: toKind(id, model_type ?? custom?.model_type),
    contextWindow: Math.min(reported, contextWindow),
  };
}

const EMBEDDING_ID = /embed|\bbge-|\be5-|minilm|\bgte-/i;
const OTHER_ID = /whisper|\btts\b|transcribe|dall-e|image|moderation|rerank|sora|realtime|\bguard\b/i;

function toKind(id: string, modelType: string | undefined): BackendModel['kind'] {
  if (modelType !== undefined) {
    if (modelType === 'llm') return 'LLM';
    return modelType === 'embedding' ? 'EMBEDDING' : 'OTHER';
  }
  if (EMBEDDING_ID.test(id)) return 'EMBEDDING';
  return OTHER_ID.test(id) ? 'OTHER' : 'LLM';
}
