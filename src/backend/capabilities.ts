/** What kind of server a backend is: as configured, as its address says, or as a first look at it shows. */
import { z } from 'zod';
import { isAppError } from '../errors.ts';
import { createTtlCache } from '../lib/ttl-cache.ts';
import { ask, type Connection, getCached, toNativePath } from './ask.ts';
import type { Capabilities } from './backend.ts';
import { findStatus } from './errors.ts';
import { type Kind, listCapabilities, toKind } from './kind.ts';

export interface Profile {
  readonly kind: Kind;
  readonly capabilities: Capabilities;
  /** False while a backend that is to show its kind itself has not done so; it then counts as `other`. */
  readonly isCertain: boolean;
}

export interface Profiler {
  /** Never throws but the signal's reason: a backend that cannot be looked at is what it last showed, at first `other`. */
  getProfile(signal: AbortSignal): Promise<Profile>;
  /** The kind as configured, or as the backend has shown so far, without a look; undefined before it has. */
  shownKind(): Kind | undefined;
}

const CACHE_MS = 600_000;
/** How long it stays open what a backend is that did not answer. */
const UNCERTAIN_CACHE_MS = 30_000;
/** Longest wait for the answer to a look, in milliseconds. */
export const LOOK_TIMEOUT_MS = 3_000;

export function createProfiler(connection: Connection): Profiler {
  const { config } = connection;
  const toProfile = (kind: Kind, isCertain: boolean): Profile => ({
    kind,
    capabilities: listCapabilities(kind, config.capabilities),
    isCertain,
  });
  const known = toKind(config);
  if (known !== undefined) {
    const profile = toProfile(known, true);
    return { getProfile: async () => profile, shownKind: () => known };
  }
  let told: Found = 'silent';
  const cache = createTtlCache({
    load: async () => {
      const found = await look(connection);
      // What it once showed still holds while it is silent: its shields must not go unasked.
      if (found !== 'silent') told = found;
      return found;
    },
    ttlMs: (found) => (found === 'silent' ? UNCERTAIN_CACHE_MS : CACHE_MS),
    failureTtlMs: UNCERTAIN_CACHE_MS,
  });
  return {
    getProfile: async (signal) => {
      await getCached(cache, signal);
      return told === 'silent' ? toProfile('other', false) : toProfile(told, true);
    },
    shownKind: () => (told === 'silent' ? undefined : told),
  };
}

const text = z.string().min(1);
/** What only llama-stack and OGX answer, by path. */
const SIGNS: readonly { readonly path: string; readonly shape: z.ZodType }[] = [
  {
    path: '/providers',
    shape: z.object({ data: z.array(z.object({ provider_id: text, provider_type: text })).min(1) }),
  },
  { path: '/shields', shape: z.object({ data: z.array(z.object({ identifier: text, provider_id: text })) }) },
  { path: '/version', shape: z.object({ version: text }) },
];

/** `silent`: it did not show what it is, but may at another time. */
type Found = 'llama-stack' | 'other' | 'silent';

async function look(connection: Connection): Promise<Found> {
  const found = await Promise.all(SIGNS.map((sign) => findSign(connection, sign)));
  if (found.includes('llama-stack')) return 'llama-stack';
  if (found.includes('silent')) return 'silent';
  // Some servers refuse what they do not know. Where the key is good for the models, it is not the key.
  return found.includes('refused') ? findModels(connection) : 'other';
}

async function findModels(connection: Connection): Promise<Found> {
  try {
    await ask(connection, { method: 'get', path: '/models', timeoutMs: LOOK_TIMEOUT_MS });
    return 'other';
  } catch (error) {
    return isDecisive(error) ? 'other' : 'silent';
  }
}

async function findSign(
  connection: Connection,
  { path, shape }: (typeof SIGNS)[number],
): Promise<Found | 'refused'> {
  const native = toNativePath(connection.config.baseUrl, path);
  try {
    const body = await ask(connection, { method: 'get', path: native, timeoutMs: LOOK_TIMEOUT_MS });
    return shape.safeParse(body).success ? 'llama-stack' : 'other';
  } catch (error) {
    if (isDecisive(error)) return 'other';
    return REFUSED.has(findStatus(error) ?? 0) ? 'refused' : 'silent';
  }
}

const REFUSED: ReadonlySet<number> = new Set([401, 403]);
/** A wrong key, too many requests and a fault say nothing of what the server is. */
const INDECISIVE: ReadonlySet<number> = new Set([...REFUSED, 408, 429]);

/** Whether the backend has answered that there is nothing of the kind that was asked for. */
export function isDecisive(error: unknown): boolean {
  const status = findStatus(error);
  if (status === undefined) return isAppError(error, 'BACKEND_PROTOCOL');
  return status === 501 || (status < 500 && !INDECISIVE.has(status));
}
