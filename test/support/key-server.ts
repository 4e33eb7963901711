/** A token issuer for tests: it signs tokens with keys of its own, and serves the public ones as a JWKS over HTTP. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import type { Identify } from '../../src/auth/authenticate.ts';
import { createJwk } from '../../src/auth/modules/jwk.ts';
import { configSchema } from '../../src/config/config.ts';
import type { Log } from '../../src/log.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'millrace';

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export interface KeyServer extends AsyncDisposable {
  readonly url: string;
  /** How many times the keys were fetched. */
  readonly fetches: number;
  /** What is served from now on. */
  serve(...keys: readonly SigningKey[]): void;
  /** Answers by this instead, until keys are served again. */
  answer(respond: (response: ServerResponse) => void): void;
}

export async function createSigningKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** A token that is accepted as it is; values of undefined leave a claim out. */
export async function signToken(
  key: SigningKey,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const seconds = Math.floor(Date.now() / 1000);
  const payload: JWTPayload = {
    iss: ISSUER,
    aud: AUDIENCE,
    exp: seconds + 600,
    user_id: 'ada',
    username: 'Ada',
    ...claims,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey);
}

export async function startKeyServer(...keys: readonly SigningKey[]): Promise<KeyServer> {
  let fetches = 0;
  let respond = toKeySet(keys);
  const server = createServer((_request, response) => {
    fetches += 1;
    respond(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    get fetches() {
      return fetches;
    },
    serve: (...served) => {
      respond = toKeySet(served);
    },
    answer: (next) => {
      respond = next;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function toKeySet(keys: readonly SigningKey[]): (response: ServerResponse) => void {
  return (response) => response.end(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }));
}

export const SILENT = { error: () => {}, warn: () => {} } as unknown as Log;

/** The module jwk-token for the keys at this URL. */
export function createJwkModule(url: string, values: object = {}, onChange?: () => void): Identify {
  const { jwk } = configSchema.parse({
    authentication: { jwk: { url, issuer: ISSUER, audience: AUDIENCE, ...values } },
  }).authentication;
  if (jwk === undefined) throw new Error('there are settings');
  return createJwk({ settings: jwk, log: SILENT, onChange });
}
