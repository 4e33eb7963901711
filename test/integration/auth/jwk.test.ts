/** The module jwk-token against a real key server: what it accepts, and every token that is not what it should be. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Identify } from '../../../src/auth/authenticate.ts';
import { bearer, refusalOf } from '../../support/credentials.ts';
import { FORGERIES } from '../../support/forged-tokens.ts';
import {
  AUDIENCE,
  createJwkModule,
  createSigningKey,
  ISSUER,
  type KeyServer,
  type SigningKey,
  signToken,
  startKeyServer,
} from '../../support/key-server.ts';

const now = () => Math.floor(Date.now() / 1000);

let key: SigningKey;
let rsa: SigningKey;
let stranger: SigningKey;
let server: KeyServer;
let identify: Identify;
beforeAll(async () => {
  key = await createSigningKey('main');
  rsa = await createSigningKey('rsa', 'RS256');
  stranger = await createSigningKey('main');
  server = await startKeyServer(key, rsa);
  identify = createJwkModule(server.url);
});
afterAll(() => server[Symbol.asyncDispose]());

describe('a good token', () => {
  it.each([
    ['ES256', () => signToken(key)],
    ['RS256', () => signToken(rsa)],
    ['a list of audiences', () => signToken(key, { aud: ['other', AUDIENCE] })],
    ['a key that is named by nothing but its algorithm', () => signToken(key, {}, { kid: undefined })],
  ])('is accepted: %s', async (_what, sign) => {
    expect(await identify(bearer(await sign()))).toMatchObject({
      id: 'ada',
      name: 'Ada',
      claims: { iss: ISSUER },
    });
  });

  it('says when it expires', async () => {
    const exp = now() + 77;
    const { expiresAt } = await identify(bearer(await signToken(key, { exp })));
    expect(expiresAt).toEqual(new Date(exp * 1000));
  });

  it('may name the viewer by a number, or by claims that are configured', async () => {
    expect(await identify(bearer(await signToken(key, { user_id: 42 })))).toMatchObject({ id: '42' });
    const configured = createJwkModule(server.url, { userIdClaim: 'sub', usernameClaim: 'email' });
    const token = await signToken(key, { sub: 'u-1', email: 'ada@example.com' });
    expect(await configured(bearer(token))).toMatchObject({ id: 'u-1', name: 'ada@example.com' });
  });

  it('may be late by as much as clocks may differ, and not by more', async () => {
    expect(await identify(bearer(await signToken(key, { exp: now() - 2 })))).toMatchObject({ id: 'ada' });
    expect(await identify(bearer(await signToken(key, { nbf: now() + 2 })))).toMatchObject({ id: 'ada' });
    const strict = createJwkModule(server.url, { clockToleranceMs: 0 });
    const refusal = await refusalOf(strict, bearer(await signToken(key, { exp: now() - 1 })));
    expect(refusal.code).toBe('TOKEN_EXPIRED');
  });

  it('is found among several keys of one algorithm when it names none', async () => {
    const other = await createSigningKey('other');
    await using both = await startKeyServer(other, key);
    const token = await signToken(key, {}, { kid: undefined });
    expect(await createJwkModule(both.url)(bearer(token))).toMatchObject({ id: 'ada' });
    const foreign = await signToken(stranger, {}, { kid: undefined });
    expect(await refusalOf(createJwkModule(both.url), bearer(foreign))).toMatchObject({
      message: 'Invalid token signature',
    });
  });
});

describe('a token is refused', () => {
  it.each(FORGERIES)('that has $what', async ({ forge, message, code }) => {
    const token = await forge({ key, rsa, stranger });
    expect(await refusalOf(identify, bearer(token))).toMatchObject({ code, message });
  });

  it('that points at keys elsewhere, and nobody goes there', async () => {
    await using evil = await startKeyServer(stranger);
    const headers = [{ jku: evil.url }, { x5u: evil.url }, { jku: evil.url, kid: 'evil' }];
    for (const header of headers) {
      const refusal = await refusalOf(identify, bearer(await signToken(stranger, {}, header)));
      expect(refusal.code).toBe('UNAUTHENTICATED');
    }
    expect(evil.fetches).toBe(0);
  });

  it('that is huge', async () => {
    const token = await signToken(key, { padding: 'x'.repeat(1_000_000) });
    expect(
      await refusalOf(identify, { headers: {}, connectionParams: { authorization: `Bearer ${token}` } }),
    ).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'No token found in Authorization header',
    });
  });

  it.each([
    ['without a header', [], 'No Authorization header found'],
    ['in an empty header', [''], 'No token found in Authorization header'],
    ['behind another word', ['Basic YTpi'], 'No token found in Authorization header'],
    ['behind no word', ['abc'], 'No token found in Authorization header'],
    ['with a word behind it', ['Bearer a b'], 'No token found in Authorization header'],
    ['beside another', ['Bearer a', 'Bearer b'], 'No token found in Authorization header'],
  ])('%s', async (_what, authorization, message) => {
    const headers = authorization.length === 0 ? {} : { authorization };
    expect(await refusalOf(identify, { headers })).toMatchObject({ code: 'UNAUTHENTICATED', message });
  });
});
