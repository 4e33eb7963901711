/** The public keys of a token issuer: fetched when they are needed, kept, renewed, and never asked for more often than allowed. */
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { AuthenticationConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FetchJson } from './fetch-json.ts';

type Settings = Pick<NonNullable<AuthenticationConfig['jwk']>, 'url' | 'cacheMs' | 'staleMs' | 'cooldownMs'>;

export interface KeySetDeps {
  readonly settings: Settings;
  readonly fetchJson: FetchJson;
  readonly log: Log;
  /** Milliseconds on a clock that never goes back; for tests. */
  readonly now?: () => number;
}

interface Loaded {
  readonly find: JWTVerifyGetKey;
  readonly at: number;
}

/** More are no honest key set, and each would be tried for a token that names none. */
const MAX_KEYS = 100;

/**
 * Finds the key of a token. Throws AUTH_UNAVAILABLE when there are no keys to be had, and what jose throws for a key that
 * is not there. A key that is not known makes it fetch again, at most once in the cool-down, whoever asks.
 */
export function createKeySet({
  settings,
  fetchJson,
  log,
  now = performance.now.bind(performance),
}: KeySetDeps): JWTVerifyGetKey {
  let loaded: Loaded | undefined;
  let attempt: { readonly at: number; readonly outcome: Promise<Loaded | undefined> } | undefined;

  const load = async (at: number): Promise<Loaded | undefined> => {
    try {
      const { status, body } = await fetchJson(settings.url);
      if (status !== 200) throw new Error(`the key server answered ${status}`);
      if (!Array.isArray(body.keys) || body.keys.length > MAX_KEYS)
        throw new Error('its answer is no key set');
      loaded = { find: createLocalJWKSet(body as never), at };
      return loaded;
    } catch (error) {
      log.error({ err: error, url: settings.url }, 'The keys of tokens cannot be fetched');
      return undefined;
    }
  };
  /** The keys as fetched now or in the cool-down before; undefined when that failed. */
  const renew = (): Promise<Loaded | undefined> => {
    const at = now();
    if (attempt === undefined || at - attempt.at >= settings.cooldownMs) attempt = { at, outcome: load(at) };
    return attempt.outcome;
  };
  const unavailable = (): AppError => {
    const retryAfterMs = Math.max(1_000, (attempt?.at ?? 0) + settings.cooldownMs - now());
    return new AppError('AUTH_UNAVAILABLE', 'Unable to reach authentication key server', {
      details: { retryAfterMs: Math.ceil(retryAfterMs) },
    });
  };
  const getUsable = async (): Promise<Loaded> => {
    const age = loaded === undefined ? Number.POSITIVE_INFINITY : now() - loaded.at;
    if (loaded !== undefined && age < settings.cacheMs) return loaded;
    const renewal = renew();
    // Nobody waits for a slow key server as long as the keys at hand may be used.
    if (loaded !== undefined && age < settings.cacheMs + settings.staleMs) return loaded;
    const renewed = await renewal;
    if (renewed === undefined) throw unavailable();
    return renewed;
  };

  return async (header, token) => {
    const usable = await getUsable();
    try {
      return await usable.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const renewed = await renew();
      if (renewed === undefined) throw unavailable();
      return renewed.find(header, token);
    }
  };
}
