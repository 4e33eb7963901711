/** The judgement of one backend over texts: its shields, and its moderation models. What follows from it is decided elsewhere. */
import { z } from 'zod';
import { AppError, isAppError } from '../errors.ts';
import { createTtlCache } from '../lib/ttl-cache.ts';
import type { JsonObject } from '../types/json.ts';
import { ask, type Connection, getCached, isLacking, toNativePath } from './ask.ts';
import type { Backend, BackendShield, ImagePart, Verdict } from './backend.ts';
import { isDecisive, LOOK_TIMEOUT_MS, type Profiler } from './capabilities.ts';
import type { Catalog } from './catalog.ts';
import { toDataUrl } from './data-url.ts';
import { findStatus, toProtocolError } from './errors.ts';

export interface ModerationDeps {
  readonly connection: Connection;
  readonly profiler: Profiler;
  readonly catalog: Pick<Catalog, 'lacks'>;
}

const CACHE_MS = 60_000;
const FAILURE_CACHE_MS = 1_000;

export function createModerations({
  connection,
  profiler,
  catalog,
}: ModerationDeps): Pick<Backend, 'listShields' | 'moderate'> {
  const shields = createTtlCache({
    load: () => fetchShields(connection),
    ttlMs: CACHE_MS,
    failureTtlMs: FAILURE_CACHE_MS,
  });
  const presumed = createTtlCache({
    load: () => presumeShields(connection),
    ttlMs: CACHE_MS,
    failureTtlMs: FAILURE_CACHE_MS,
  });
  return {
    listShields: async (signal) => {
      const { capabilities, isCertain } = await profiler.getProfile(signal);
      if (capabilities.shields) return getCached(shields, signal);
      const isSettled = isCertain || connection.config.capabilities.shields === false;
      return isSettled ? [] : getCached(presumed, signal);
    },
    moderate: async (model, input, signal) => {
      if (await catalog.lacks(model, signal)) throw toMissingModel(model);
      return judge(connection, { model, input: toWireInput(input) }, signal);
    },
  };
}

const shieldsSchema = z.object({
  data: z.array(
    z.object({
      identifier: z.string().min(1),
      provider_resource_id: z.string().min(1).nullish().catch(null),
    }),
  ),
});

async function fetchShields(connection: Connection, timeoutMs?: number): Promise<readonly BackendShield[]> {
  const path = toNativePath(connection.config.baseUrl, '/shields');
  const question = { method: 'get', path, ...(timeoutMs !== undefined && { timeoutMs }) } as const;
  try {
    const list = shieldsSchema.safeParse(await ask(connection, question));
    if (!list.success) throw toProtocolError('Its list of shields is not one.');
    return list.data.data.map((shield) => ({
      id: shield.identifier,
      model: shield.provider_resource_id ?? null,
    }));
  } catch (error) {
    if (isLacking(error)) return [];
    throw error;
  }
}

/** For a backend of which it is not known whether it has any. Throws BACKEND_UNAVAILABLE where it does not tell that either. */
async function presumeShields(connection: Connection): Promise<readonly BackendShield[]> {
  try {
    return await fetchShields(connection, LOOK_TIMEOUT_MS);
  } catch (error) {
    if (isDecisive(error)) return [];
    const status = findStatus(error);
    if (isAppError(error, 'BACKEND_UNAVAILABLE') && status === undefined) throw error;
    const { id } = connection.config;
    const answer = status === undefined ? 'no answer' : `HTTP status ${status}`;
    const explanation = `${id} does not tell whether it has shields (${answer}); where its kind is configured, it need not.`;
    throw new AppError('BACKEND_UNAVAILABLE', `The question cannot be checked by ${id} now`, {
      cause: error,
      details: { explanation },
    });
  }
}

interface Judged {
  readonly model: string;
  readonly input: string | readonly JsonObject[];
}

/** https://platform.openai.com/docs/guides/moderation: one image a request. */
function toWireInput(input: string | ImagePart): Judged['input'] {
  return typeof input === 'string' ? input : [{ type: 'image_url', image_url: { url: toDataUrl(input) } }];
}

async function judge(connection: Connection, body: Judged, signal: AbortSignal): Promise<Verdict> {
  const timeoutMs = connection.config.firstEventTimeoutMs;
  try {
    return parseVerdict(
      await ask(connection, { method: 'post', path: '/moderations', body, timeoutMs }, signal),
    );
  } catch (error) {
    const status = findStatus(error);
    if (status === 400) return { flagged: true, categories: [] };
    if (status === 404) throw toMissingModel(body.model, error);
    throw error;
  }
}

const verdictSchema = z.object({
  results: z
    .array(
      z.object({
        flagged: z.boolean(),
        categories: z.record(z.string(), z.unknown()).nullish().catch(null),
      }),
    )
    .min(1),
});

function parseVerdict(body: unknown): Verdict {
  const verdict = verdictSchema.safeParse(body);
  if (!verdict.success) throw toProtocolError('Its moderation is not one.');
  const flagged = verdict.data.results.filter((result) => result.flagged);
  const names = flagged.flatMap(({ categories }) =>
    Object.entries(categories ?? {}).flatMap(([name, value]) => (value === true ? name : [])),
  );
  return { flagged: flagged.length > 0, categories: [...new Set(names)] };
}

function toMissingModel(model: string, cause?: unknown): AppError {
  return new AppError('NOT_FOUND', 'Shield model not found', {
    cause,
    details: { explanation: `Shield model with ID ${model} does not exist` },
  });
}
