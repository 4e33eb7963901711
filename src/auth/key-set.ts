/** The public keys of a token issuer: fetched when they are needed, kept, renewed, and never asked for more often than allowed. */
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { AuthenticationConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FetchJson } from './fetch-json.ts';

type Settings = Pick<
  NonNullable<AuthenticationConfig['jwk']>,
  'url' | 'cacheMs' | 'staleMs' | 'cooldownMs' | 'timeoutMs'
>;

export interface KeySetDeps {
  readonly settings: Settings;
  readonly fetchJson: FetchJson;
  readonly log: Log;
  /** Called when the keys that were fetched are not those from before. */
  readonly onChange?: (() => void) | undefined;
  /** Milliseconds on a clock that never goes back; for tests. */
  readonly now?: () => number;
}

interface Loaded {
  readonly find: JWTVerifyGetKey;
  readonly at: number;
  /** The keys as they came. */
  readonly text: string;
}

/** More are no honest key set, and each would be tried for a token that names none. */
const MAX_KEYS = 100;

/**
 * Finds the key of a token. Throws AUTH_UNAVAILABLE when there are no keys to be had, and what jose throws for a key that
 * is not there. A key that is not known makes it fetch again, at most once in the cool-down, whoever asks. As long as keys
 * are used they are fetched in time, so that a key that was withdrawn is found no more although nobody asks for another.
 */
export function createKeySet(deps: KeySetDeps): JWTVerifyGetKey {
  const { settings, now = performance.now.bind(performance) } = deps;
  const { cacheMs, staleMs, cooldownMs, timeoutMs } = settings;
  const source = createKeySource({ ...deps, now });
  const keepFresh = createAlarm(() => void source.renew());

  const unavailable = (): AppError => {
    const retryAfterMs = Math.max(1_000, source.attemptedAt + cooldownMs - now());
    return new AppError('AUTH_UNAVAILABLE', 'Unable to reach authentication key server', {
      details: { retryAfterMs: Math.ceil(retryAfterMs) },
    });
  };
  const getUsable = async (): Promise<Loaded> => {
    const { loaded } = source;
    const age = loaded === undefined ? Number.POSITIVE_INFINITY : now() - loaded.at;
    if (loaded !== undefined && age < cacheMs) return loaded;
    const usable = age < cacheMs + staleMs ? loaded : undefined;
    const renewal = source.renew();
    // Nobody waits for a slow key server as long as the keys at hand may be used, but after a pause in which nobody used any.
    if (usable !== undefined && (source.hasFailed || age < cacheMs + timeoutMs)) return usable;
    const found = (await renewal) ?? usable;
    if (found === undefined) throw unavailable();
    return found;
  };

  return async (header, token) => {
    const usable = await getUsable();
    keepFresh(source.attemptedAt + Math.max(cacheMs, cooldownMs) - now());
    try {
      return await usable.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const renewed = await source.renew();
      if (renewed === undefined) throw unavailable();
      return renewed.find(header, token);
    }
  };
}

interface KeySource {
  /** The keys that were fetched last. */
  readonly loaded: Loaded | undefined;
  /** When they were asked for last, with or without success. */
  readonly attemptedAt: number;
  /** Whether that failed, as far as is known. */
  readonly hasFailed: boolean;
  /** The keys as fetched now or in the cool-down before; undefined when that failed. */
  renew(): Promise<Loaded | undefined>;
}

function createKeySource(deps: KeySetDeps & { now(): number }): KeySource {
  const { settings, fetchJson, log, onChange, now } = deps;
  let loaded: Loaded | undefined;
  let hasFailed = false;
  let attempt: { readonly at: number; readonly outcome: Promise<Loaded | undefined> } | undefined;

  const load = async (at: number): Promise<Loaded | undefined> => {
    try {
      const { status, body } = await fetchJson(settings.url);
      if (status !== 200) throw new Error(`the key server answered ${status}`);
      if (!Array.isArray(body.keys) || body.keys.length > MAX_KEYS)
        throw new Error('its answer is no key set');
      const before = loaded;
      loaded = { find: createLocalJWKSet(body as never), at, text: JSON.stringify(body.keys) };
      hasFailed = false;
      if (before !== undefined && before.text !== loaded.text) onChange?.();
      return loaded;
    } catch (error) {
      hasFailed = true;
      log.error({ err: error, url: settings.url }, 'The keys of tokens cannot be fetched');
      return undefined;
    }
  };
  return {
    get loaded() {
      return loaded;
    },
    get attemptedAt() {
      return attempt?.at ?? 0;
    },
    get hasFailed() {
      return hasFailed;
    },
    renew() {
      const at = now();
      if (attempt === undefined || at - attempt.at >= settings.cooldownMs)
        attempt = { at, outcome: load(at) };
      return attempt.outcome;
    },
  };
}

/** Rings once, however often it is set before; it keeps no process alive. */
function createAlarm(ring: () => void): (waitMs: number) => void {
  let timer: NodeJS.Timeout | undefined;
  const onTime = (): void => {
    timer = undefined;
    ring();
  };
  return (waitMs) => {
    if (timer !== undefined) return;
    // A millisecond late rather than early: then the cool-down would not be over yet.
    timer = setTimeout(onTime, Math.max(0, Math.ceil(waitMs)) + 1).unref();
  };
}
