/** Decides which backend and model answer a question. What a backend offers is the backend's to say. */
import type { Backend, BackendModel, BackendRegistry } from '../backend/backend.ts';
import type { Config } from '../config/config.ts';
import { AppError, isAppError } from '../errors.ts';

export interface ModelDeps {
  readonly registry: BackendRegistry;
  readonly config: Pick<Config, 'inference'>;
}

export interface ModelPair {
  readonly provider: string;
  readonly model: string;
}

export interface WantedModel {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  /** What the conversation used last; passed over when it is no longer offered. */
  readonly lastUsed?: ModelPair | null | undefined;
}

export interface ChosenModel {
  readonly backend: Backend;
  readonly model: BackendModel;
}

/** The pair that a request names, or undefined when it names none. Throws BAD_USER_INPUT when it names one half. */
export function parseModelPair(wanted: Pick<WantedModel, 'provider' | 'model'>): ModelPair | undefined {
  const { provider, model } = wanted;
  if (provider === undefined && model === undefined) return undefined;
  if (provider === undefined) {
    throw new AppError('BAD_USER_INPUT', 'Provider must be specified if model is specified');
  }
  if (model === undefined) {
    throw new AppError('BAD_USER_INPUT', 'Model must be specified if provider is specified');
  }
  return { provider, model };
}

/**
 * The first of: the request's pair, what the conversation used last, the configured pair, the first LLM that the
 * backends list in their order. Looks at configuration and the backends' cached lists only.
 * Throws BAD_USER_INPUT for half a pair, NOT_FOUND when the pair (or any LLM) is not offered, and BACKEND_* when a
 * list that decides cannot be had.
 */
export async function chooseModel(
  deps: ModelDeps,
  wanted: WantedModel,
  signal: AbortSignal,
): Promise<ChosenModel> {
  const requested = parseModelPair(wanted);
  if (requested) return getModel(deps.registry, requested, signal);
  const lastUsed = wanted.lastUsed ? await findModel(deps.registry, wanted.lastUsed, signal) : undefined;
  if (lastUsed) return lastUsed;
  const { defaultProvider, defaultModel } = deps.config.inference;
  if (defaultProvider !== undefined && defaultModel !== undefined) {
    return getModel(deps.registry, { provider: defaultProvider, model: defaultModel }, signal);
  }
  return getFirstModel(deps.registry, signal);
}

async function findModel(
  registry: BackendRegistry,
  pair: ModelPair,
  signal: AbortSignal,
): Promise<ChosenModel | undefined> {
  const backend = registry.find(pair.provider);
  const models = await backend?.listModels(signal);
  const model = models?.find((candidate) => candidate.id === pair.model);
  return backend && model ? { backend, model } : undefined;
}

async function getModel(
  registry: BackendRegistry,
  pair: ModelPair,
  signal: AbortSignal,
): Promise<ChosenModel> {
  const found = await findModel(registry, pair, signal);
  if (found) return found;
  throw new AppError('NOT_FOUND', 'Model not found', {
    details: { explanation: `Model with ID ${pair.model} is not configured` },
  });
}

/** A backend that cannot be reached is passed over as long as a later one has an LLM. */
async function getFirstModel(registry: BackendRegistry, signal: AbortSignal): Promise<ChosenModel> {
  let unreachable: AppError | undefined;
  for (const backend of registry.backends) {
    try {
      const models = await backend.listModels(signal);
      const model = models.find((candidate) => candidate.kind === 'LLM');
      if (model) return { backend, model };
    } catch (error) {
      if (!isAppError(error)) throw error;
      unreachable ??= error;
    }
  }
  throw (
    unreachable ??
    new AppError('NOT_FOUND', 'Model not found', { details: { explanation: 'No backend offers an LLM' } })
  );
}
