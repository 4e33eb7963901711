/** What may be asked for: the providers and the models that their backends list. */
import type { Backend, BackendModel } from '../backend/backend.ts';
import { AppError, isAppError } from '../errors.ts';
import type { ModelDeps } from './choose-model.ts';

export interface OfferedModel extends BackendModel {
  readonly provider: string;
  /** Whether it answers when neither the request nor the conversation names a model. Never true without configuration. */
  readonly isDefault: boolean;
}

export interface Provider {
  readonly id: string;
}

/** In the order of the configuration. */
export function listProviders(deps: ModelDeps): readonly Provider[] {
  return deps.registry.backends.map(({ id }) => ({ id }));
}

/** Throws NOT_FOUND. */
export function getProvider(deps: ModelDeps, id: string): Provider {
  return { id: getBackend(deps, id).id };
}

/**
 * The models of one provider, or of all that can be reached, in the backends' own order.
 * Throws NOT_FOUND for an unknown provider, and BACKEND_* when nothing can be listed.
 */
export async function listModels(
  deps: ModelDeps,
  provider: string | undefined,
  signal: AbortSignal,
): Promise<readonly OfferedModel[]> {
  if (provider !== undefined) return listOf(deps, getBackend(deps, provider), signal);
  const lists = await Promise.allSettled(
    deps.registry.backends.map((backend) => listOf(deps, backend, signal)),
  );
  const failures = lists.filter((list) => list.status === 'rejected').map((list) => list.reason);
  const fault = failures.find((reason) => !isAppError(reason)) ?? failures[0];
  if (fault !== undefined && (!isAppError(fault) || failures.length === lists.length)) throw fault;
  return lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : []));
}

function getBackend(deps: ModelDeps, provider: string): Backend {
  const backend = deps.registry.find(provider);
  if (backend) return backend;
  throw new AppError('NOT_FOUND', 'Provider not found', {
    details: { explanation: `Provider with ID ${provider} is not configured` },
  });
}

async function listOf(
  deps: ModelDeps,
  backend: Backend,
  signal: AbortSignal,
): Promise<readonly OfferedModel[]> {
  const { defaultProvider, defaultModel } = deps.config.inference;
  const models = await backend.listModels(signal);
  return models.map((model) => ({
    ...model,
    provider: backend.id,
    isDefault: backend.id === defaultProvider && model.id === defaultModel,
  }));
}
