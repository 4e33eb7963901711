/** Backends that only list models, and what a backend can do at most. */
import type { Backend, BackendModel, BackendRegistry, Capabilities } from '../../src/backend/backend.ts';
import { AppError } from '../../src/errors.ts';
import type { ModelDeps } from '../../src/models/choose-model.ts';

export const toModel = (id: string, kind: BackendModel['kind'] = 'LLM'): BackendModel => ({
  id,
  kind,
  contextWindow: 128_000,
});

export const ALL_CAPABILITIES: Capabilities = {
  conversations: true,
  moderations: true,
  shields: true,
  vectorStores: true,
  fileSearch: true,
  mcp: true,
  models: true,
  images: true,
  maxOutputTokens: true,
  background: true,
};

/** A backend with these models, or one that cannot be reached. */
export function createListingBackend(id: string, models: readonly BackendModel[] | 'unreachable'): Backend {
  const refuse = (): never => {
    throw new Error(`${id} must not be called`);
  };
  return {
    id,
    location: `http://${id}.test/v1`,
    history: 'own',
    maxOutputTokens: undefined,
    background: false,
    capabilities: async () => ALL_CAPABILITIES,
    knownVectorStores: async () => [],
    defaultVectorStores: async () => [],
    listShields: async () => [],
    moderate: () => refuse(),
    createConversation: () => refuse(),
    deleteConversation: () => refuse(),
    async listModels() {
      if (models === 'unreachable') throw new AppError('BACKEND_UNAVAILABLE', `Unable to connect to ${id}`);
      return models;
    },
    streamResponse: () => refuse(),
  };
}

export function createModelDeps(
  backends: readonly Backend[],
  inference: ModelDeps['config']['inference'] = {},
): ModelDeps {
  const registry: BackendRegistry = {
    backends,
    find: (provider) => backends.find(({ id }) => id === provider),
  };
  return { registry, config: { inference } };
}
