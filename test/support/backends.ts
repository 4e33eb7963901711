/** Backends that only list models. */
import type { Backend, BackendModel, BackendRegistry } from '../../src/backend/backend.ts';
import { AppError } from '../../src/errors.ts';
import type { ModelDeps } from '../../src/models/choose-model.ts';

export const toModel = (id: string, kind: BackendModel['kind'] = 'LLM'): BackendModel => ({
  id,
  kind,
  contextWindow: 128_000,
});

/** A backend with these models, or one that cannot be reached. */
export function createListingBackend(id: string, models: readonly BackendModel[] | 'unreachable'): Backend {
  return {
    id,
    location: `http://${id}.test/v1`,
    vectorStores: [],
    async listModels() {
      if (models === 'unreachable') throw new AppError('BACKEND_UNAVAILABLE', `Unable to connect to ${id}`);
      return models;
    },
    streamResponse() {
      throw new Error(`${id} must not be called`);
    },
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
