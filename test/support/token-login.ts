/** What a server that takes signed tokens needs around it: a key to sign with, a server that gives it out, a backend. */
import type { ConfigInput } from '../../src/config/config.ts';
import { type FakeBackend, startFakeBackend } from './fake-backend.ts';
import {
  AUDIENCE,
  createSigningKey,
  ISSUER,
  type SigningKey,
  signToken,
  startKeyServer,
} from './key-server.ts';

export interface TokenLogin extends AsyncDisposable {
  readonly fake: FakeBackend;
  readonly key: SigningKey;
  /** The part of the configuration. */
  readonly authentication: NonNullable<ConfigInput['authentication']>;
  /** A token of Ada's, unless the claims say otherwise. */
  sign(claims?: Parameters<typeof signToken>[1]): Promise<string>;
}

export async function startTokenLogin(): Promise<TokenLogin> {
  await using resources = new AsyncDisposableStack();
  const fake = resources.use(await startFakeBackend());
  const key = await createSigningKey('main');
  const { url } = resources.use(await startKeyServer(key));
  const kept = resources.move();
  return {
    fake,
    key,
    authentication: { module: 'jwk-token', jwk: { url, issuer: ISSUER, audience: AUDIENCE } },
    sign: (claims) => signToken(key, claims),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
