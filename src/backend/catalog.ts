/** The models of one backend: as configured, or as GET /models lists them. */
import { z } from 'zod';
import { createTtlCache } from '../lib/ttl-cache.ts';
import { ask, type Connection, getCached } from './ask.ts';
import type { BackendModel } from './backend.ts';
import type { Profiler } from './capabilities.ts';
import { toProtocolError } from './errors.ts';

export interface Catalog {
  /** See Backend.listModels. An aborted caller gets the signal's reason; the call that others wait for goes on. */
  listModels(signal: AbortSignal): Promise<readonly BackendModel[]>;
  /**
   * What the backend wants a model to be called in a request, as its cached list tells: a backend that is known to be a
   * llama-stack is asked for it where it has not been read. The id itself where no list tells. Throws the signal's reason.
   */
  toWireId(id: string, signal: AbortSignal): Promise<string>;
  /** Whether the backend's own list is known to lack the model; false where it has not told one. */
  lacks(id: string, signal: AbortSignal): Promise<boolean>;
}

/** A model and what a request calls it. */
export interface ListedModel {
  readonly model: BackendModel;
  readonly wireId: string;
}

const CACHE_MS = 60_000;
const FAILURE_CACHE_MS = 1_000;

export function createCatalog(connection: Connection, profiler: Pick<Profiler, 'shownKind'>): Catalog {
  const { models, contextWindow, capabilities } = connection.config;
  const configured = models.map((id) => ({ id, kind: toModelKind(id, undefined), contextWindow }));
  const isFixed = models.length > 0 || capabilities.models === false;
  let wireIds: ReadonlyMap<string, string> = new Map();
  const cache = createTtlCache({
    load: async () => {
      const listed = await fetchModels(connection);
      wireIds = new Map(listed.map(({ model, wireId }) => [model.id, wireId]));
      return listed.map(({ model }) => model);
    },
    ttlMs: CACHE_MS,
    failureTtlMs: FAILURE_CACHE_MS,
  });
  const listOrNothing = async (signal: AbortSignal): Promise<readonly BackendModel[]> => {
    const listed = await getCached(cache, signal).catch(() => []);
    signal.throwIfAborted();
    return listed;
  };
  return {
    listModels: async (signal) => (isFixed ? configured : getCached(cache, signal)),
    toWireId: async (id, signal) => {
      if (capabilities.models === false || profiler.shownKind() !== 'llama-stack')
        return wireIds.get(id) ?? id;
      if (isFixed || !wireIds.has(id)) await listOrNothing(signal);
      return wireIds.get(id) ?? findQualified([...wireIds.values()], id) ?? id;
    },
    lacks: async (id, signal) => {
      if (isFixed) return false;
      const listed = await listOrNothing(signal);
      return listed.length > 0 && !listed.some((model) => isCalled(model, id));
    },
  };
}

/** llama-stack lists `provider/model`, where its shields only say `model`. */
function isCalled(model: BackendModel, id: string): boolean {
  return model.id === id || isQualified(model.id, id);
}

function isQualified(wireId: string, id: string): boolean {
  return wireId.endsWith(`/${id}`);
}

/** Undefined where two providers have such a model. */
function findQualified(wireIds: readonly string[], id: string): string | undefined {
  const [found, ...others] = wireIds.filter((wireId) => isQualified(wireId, id));
  return others.length === 0 ? found : undefined;
}

async function fetchModels(connection: Connection): Promise<readonly ListedModel[]> {
  const { kind, contextWindow } = connection.config;
  const body = await ask(connection, { method: 'get', path: '/models' });
  const listed = parseModels(body, contextWindow);
  const mayQualify = kind === 'auto' || kind === 'llama-stack' || kind === 'ogx';
  return mayQualify ? listed : listed.map(({ model }) => ({ model, wireId: model.id }));
}

const count = z.int().positive().optional().catch(undefined);
const text = z.string().min(1).optional().catch(undefined);
/** What OpenAI, Ollama, vLLM, Groq, OpenRouter and llama-stack (old and new) say of a model. */
const entrySchema = z.object({
  id: text,
  identifier: text,
  model_type: text,
  provider_id: text,
  provider_resource_id: text,
  custom_metadata: z
    .object({ model_type: text, provider_id: text, provider_resource_id: text, context_length: count })
    .optional()
    .catch(undefined),
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
export function parseModels(body: unknown, contextWindow: number): readonly ListedModel[] {
  const list = listSchema.safeParse(body);
  if (!list.success) throw toProtocolError('Its list of models is not one.');
  const models = new Map<string, ListedModel>();
  for (const entry of list.data) {
    const listed = toListedModel(entry, contextWindow);
    if (listed !== undefined && !models.has(listed.model.id)) models.set(listed.model.id, listed);
  }
  return [...models.values()];
}

/** The smaller context window counts: the operator's limit, or what the backend says of itself. */
function toListedModel(value: unknown, contextWindow: number): ListedModel | undefined {
  const entry = entrySchema.safeParse(value).data;
  const id = entry?.identifier ?? entry?.id;
  if (entry === undefined || id === undefined) return undefined;
  const { custom_metadata: custom, max_model_len, context_length, context_window } = entry;
  const reported =
    max_model_len ?? context_length ?? context_window ?? custom?.context_length ?? contextWindow;
  const kind = toModelKind(id, entry.model_type ?? custom?.model_type);
  const model = { id, kind, contextWindow: Math.min(reported, contextWindow) };
  return { model, wireId: toWireId(id, entry) };
}

/** llama-stack and OGX, the only ones that name a provider, are asked for `provider/model`. */
function toWireId(id: string, entry: z.output<typeof entrySchema>): string {
  const { provider_id: provider, provider_resource_id: resource } = entry.custom_metadata?.provider_id
    ? entry.custom_metadata
    : entry;
  if (provider === undefined || id.startsWith(`${provider}/`)) return id;
  return `${provider}/${resource ?? id}`;
}

const EMBEDDING_ID = /embed|\bbge-|\be5-|minilm|\bgte-/i;
const OTHER_ID = /whisper|\btts\b|transcribe|dall-e|image|moderation|rerank|sora|realtime|\bguard\b/i;

function toModelKind(id: string, modelType: string | undefined): BackendModel['kind'] {
  if (modelType !== undefined) {
    if (modelType === 'llm') return 'LLM';
    return modelType === 'embedding' ? 'EMBEDDING' : 'OTHER';
  }
  if (EMBEDDING_ID.test(id)) return 'EMBEDDING';
  return OTHER_ID.test(id) ? 'OTHER' : 'LLM';
}
