/** Tokens of Microsoft Entra for one backend, by client credentials. Where they are sent is http.ts's matter. */
import { z } from 'zod';
import type { BackendConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { orAborted } from '../lib/abort.ts';
import { createTtlCache } from '../lib/ttl-cache.ts';

export type EntraConfig = NonNullable<BackendConfig['entra']>;

export interface EntraTokens {
  /**
   * A token that is valid for a while yet; callers of the moment share one request for it.
   * Throws BACKEND_UNAVAILABLE, or the reason of an aborted signal.
   */
  getToken(signal?: AbortSignal): Promise<string>;
}

const LOGIN_TIMEOUT_MS = 10_000;
/** How long before its end a token is replaced; of a short-lived one at half its time. */
const SPARE_MS = 300_000;
const FAILURE_CACHE_MS = 1_000;

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });
type Token = z.output<typeof tokenSchema>;

export function createEntraTokens(backendId: string, config: EntraConfig): EntraTokens {
  const cache = createTtlCache<Token>({
    load: () => fetchToken(backendId, config),
    ttlMs: ({ expires_in }) => Math.max(expires_in * 1_000 - SPARE_MS, expires_in * 500),
    failureTtlMs: FAILURE_CACHE_MS,
  });
  return {
    getToken: async (signal = new AbortController().signal) => {
      const token = await orAborted(cache.get(), signal);
      if (token === undefined) throw signal.reason;
      return token.access_token;
    },
  };
}

/** Nothing of what the login server says is passed on: it may repeat what it was sent. */
async function fetchToken(backendId: string, config: EntraConfig): Promise<Token> {
  const refuse = (explanation: string, cause?: unknown): AppError =>
    new AppError('BACKEND_UNAVAILABLE', `Unable to sign in to ${backendId}`, {
      cause,
      details: { explanation },
    });
  const response = await requestToken(config).catch((error: unknown) => {
    throw refuse('The login server could not be reached.', error);
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw refuse(`The login server answered with HTTP status ${response.status}.`);
  }
  const token = tokenSchema.safeParse(await response.json().catch(() => undefined));
  if (token.success) return token.data;
  throw refuse('The login server did not send a token.');
}

function requestToken({
  authority,
  tenantId,
  clientId,
  clientSecret,
  scope,
}: EntraConfig): Promise<Response> {
  const url = `${authority.replace(/\/$/, '')}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
  return fetch(url, {
    method: 'POST',
    redirect: 'manual',
    signal: AbortSignal.timeout(LOGIN_TIMEOUT_MS),
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope,
    }),
  });
}
