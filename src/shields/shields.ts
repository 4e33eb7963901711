/** Shields: moderation models that look at a question before it is answered. How a blocked turn ends is for turns/. */
import type { Backend, BackendRegistry, ImagePart, InputPart } from '../backend/backend.ts';
import type { Config } from '../config/config.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ShieldMetrics } from '../metrics.ts';

export interface Shield {
  readonly id: string;
  /** The backend that has its model. */
  readonly provider: string;
  readonly model: string;
  /** The answer to a question that it blocks. */
  readonly message: string;
  /** Whether it is shown the images of a question. */
  readonly judgesImages: boolean;
}

/** What a question consists of, text first. */
export type Question = string | readonly InputPart[];

/** A shield as it is shown. */
export interface ListedShield extends Omit<Shield, 'provider'> {
  /** Null when no backend can ask its model: questions that have to pass it are refused. */
  readonly provider: string | null;
}

export type ShieldVerdict =
  | { readonly blocked: false }
  | { readonly blocked: true; readonly shieldId: string; readonly message: string };

export interface ShieldDeps {
  readonly config: Pick<Config, 'shields'>;
  readonly registry: BackendRegistry;
  readonly log: Log;
  readonly metrics?: ShieldMetrics;
}

export interface ShieldRequest {
  /** Exactly these; null: every shield. */
  readonly shieldIds: readonly string[] | null;
}

export interface Shields {
  /**
   * The shields that a question to this backend has to pass: those of the configuration in its order, then the backend's
   * own. Looks at configuration and cached lists only. Throws NOT_FOUND for an unknown id, when nobody has a shield's
   * model, and BACKEND_* when the backend's own shields cannot be listed: nothing is answered unlooked at.
   */
  choose(
    request: ShieldRequest,
    backend: Pick<Backend, 'id' | 'listShields'>,
    signal: AbortSignal,
  ): Promise<readonly Shield[]>;
  /**
   * Asks one after the other, about the text and about each image; the first that flags anything wins and the rest are not
   * asked. Fails closed: throws NOT_FOUND when a backend lacks the model, BACKEND_UNAVAILABLE for any other failure, and the signal's reason.
   */
  run(shields: readonly Shield[], question: Question, signal: AbortSignal): Promise<ShieldVerdict>;
  /** Every shield of the configuration, then those of the backends that can be reached. */
  list(signal: AbortSignal): Promise<readonly ListedShield[]>;
}

/** Of a backend's own shields, which bring none. */
const DEFAULT_MESSAGE = 'I cannot process this request due to policy restrictions.';
/** Longest wait in milliseconds for the verdict of one shield. */
const VERDICT_TIMEOUT_MS = 30_000;

export function createShields(deps: ShieldDeps): Shields {
  return {
    async choose({ shieldIds }, backend, signal) {
      if (shieldIds?.length === 0) return [];
      const offered = joinLists(await listConfigured(deps, signal), await listOwn(backend, signal));
      for (const id of shieldIds ?? []) requireOffered(offered, id);
      return offered.filter(({ id }) => shieldIds?.includes(id) ?? true).map(requireProvider);
    },
    async run(shields, question, signal) {
      for (const shield of shields) {
        if (!(await isAnyFlagged(deps, { shield, question }, signal))) continue;
        deps.metrics?.shieldViolated(shield.id);
        return { blocked: true, shieldId: shield.id, message: shield.message };
      }
      return { blocked: false };
    },
    async list(signal) {
      const own = await Promise.all(
        deps.registry.backends.map((backend) => listReachable(deps, backend, signal)),
      );
      return joinLists(await listConfigured(deps, signal), own.flat());
    },
  };
}

/** A shield of the configuration stands for a backend's own of the same id. */
function joinLists(configured: readonly ListedShield[], own: readonly Shield[]): readonly ListedShield[] {
  const ids = new Set(configured.map(({ id }) => id));
  return [...configured, ...own.filter(({ id }) => !ids.has(id))];
}

function requireOffered(shields: readonly ListedShield[], id: string): void {
  if (shields.some((shield) => shield.id === id)) return;
  throw new AppError('NOT_FOUND', 'Shield not found', {
    details: { explanation: `Shield with ID ${id} is not configured` },
  });
}

function requireProvider(shield: ListedShield): Shield {
  const { provider } = shield;
  if (provider === null) throw modelNotFound(`No backend can moderate with ${shield.model}`);
  return { ...shield, provider };
}

async function listConfigured(
  { config, registry }: ShieldDeps,
  signal: AbortSignal,
): Promise<readonly ListedShield[]> {
  const needsModerator = config.shields.some(({ provider }) => provider === undefined);
  const moderator = needsModerator ? await findModerator(registry, signal) : undefined;
  return config.shields.map(({ id, provider = moderator ?? null, model, message, images }) => ({
    id,
    provider,
    model,
    message,
    judgesImages: images === 'judge',
  }));
}

/** The id of the first backend that can moderate. */
async function findModerator(registry: BackendRegistry, signal: AbortSignal): Promise<string | undefined> {
  for (const backend of registry.backends) {
    if ((await backend.capabilities(signal)).moderations) return backend.id;
  }
  return undefined;
}

async function listOwn(
  backend: Pick<Backend, 'id' | 'listShields'>,
  signal: AbortSignal,
): Promise<readonly Shield[]> {
  const listed = await backend.listShields(signal);
  return listed.map(({ id, model }) => ({
    id,
    provider: backend.id,
    model: model ?? id,
    message: DEFAULT_MESSAGE,
    judgesImages: true,
  }));
}

async function listReachable(deps: ShieldDeps, backend: Backend, signal: AbortSignal) {
  try {
    return await listOwn(backend, signal);
  } catch (error) {
    if (!isAppError(error)) throw error;
    deps.log.warn({ err: error, provider: backend.id }, 'the shields of a backend cannot be listed');
    return [];
  }
}

function listParts(question: Question, shield: Shield): readonly (string | ImagePart)[] {
  if (typeof question === 'string') return [question];
  return question.flatMap((part) => (part.type === 'text' ? part.text : shield.judgesImages ? part : []));
}

async function isAnyFlagged(
  deps: ShieldDeps,
  asked: { readonly shield: Shield; readonly question: Question },
  signal: AbortSignal,
): Promise<boolean> {
  for (const part of listParts(asked.question, asked.shield)) {
    if (await isFlagged(deps, { shield: asked.shield, part }, signal)) return true;
  }
  return false;
}

async function isFlagged(
  deps: ShieldDeps,
  asked: { readonly shield: Shield; readonly part: string | ImagePart },
  signal: AbortSignal,
): Promise<boolean> {
  const { shield, part } = asked;
  const backend = deps.registry.find(shield.provider);
  if (!backend)
    throw modelNotFound(`The backend ${shield.provider} of shield ${shield.id} is not configured`);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(VERDICT_TIMEOUT_MS)]);
  try {
    return (await backend.moderate(shield.model, part, limit)).flagged;
  } catch (error) {
    signal.throwIfAborted();
    if (isAppError(error, 'NOT_FOUND')) {
      throw modelNotFound(`Shield model with ID ${shield.model} does not exist at ${shield.provider}`, error);
    }
    throw new AppError('BACKEND_UNAVAILABLE', 'The question could not be checked', {
      cause: error,
      details: { explanation: `Shield ${shield.id} gave no verdict` },
    });
  }
}

function modelNotFound(explanation: string, cause?: unknown): AppError {
  return new AppError('NOT_FOUND', 'Shield model not found', { cause, details: { explanation } });
}
