/** The module jwk-token against a real key server: what it accepts, and every token that is not what it should be. */
import { createPublicKey } from 'node:crypto';
import { exportSPKI, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Identify } from '../../../src/auth/authenticate.ts';
import type { ErrorCode } from '../../../src/types/error-code.ts';
import { bearer, refusalOf } from '../../support/credentials.ts';
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

const payload = (): JWTPayload => ({
  iss: ISSUER,
  aud: AUDIENCE,
  exp: now() + 600,
  user_id: 'eve',
  username: 'Eve',
});
const hmacToken = async (secret: string, kid: string): Promise<string> =>
  new SignJWT(payload()).setProtectedHeader({ alg: 'HS256', kid }).sign(new TextEncoder().encode(secret));
const spki = async (): Promise<string> =>
  exportSPKI(createPublicKey({ key: rsa.publicJwk, format: 'jwk' }) as never);

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

const swapPayload = async (): Promise<string> => {
  const [header, , signature] = (await signToken(key)).split('.');
  return [header, Buffer.from(JSON.stringify(payload())).toString('base64url'), signature].join('.');
};
const MISSING = 'Token missing claim: ';

/** Each with the code and the words that it gets. */
type Forged = readonly [
  what: string,
  forge: () => string | Promise<string>,
  message: string,
  code?: ErrorCode,
];
const FORGED: readonly Forged[] = [
  ['no JWT', () => 'abc', 'Token could not be decoded'],
  ['three parts of nothing', () => '..', 'Token could not be decoded'],
  ['five parts', () => 'a.b.c.d.e', 'Token could not be decoded'],
  ['alg none', () => new UnsecuredJWT(payload()).encode(), 'Token could not be decoded'],
  [
    'alg none with a signature',
    async () =>
      [
        Buffer.from('{"alg":"none"}').toString('base64url'),
        ...(await signToken(key)).split('.').slice(1),
      ].join('.'),
    'Token could not be decoded',
  ],
  [
    'HS256 with the public key as its secret',
    async () => hmacToken(await spki(), 'rsa'),
    'Token could not be decoded',
  ],
  [
    'HS256 with the JWK as its secret',
    () => hmacToken(JSON.stringify(rsa.publicJwk), 'rsa'),
    'Token could not be decoded',
  ],
  ['HS256 with a path as kid', () => hmacToken('\0', '../../../dev/null'), 'Token could not be decoded'],
  ['a path as kid', () => signToken(key, {}, { kid: '../../../../dev/null' }), 'Token signed by unknown key'],
  ['SQL as kid', () => signToken(key, {}, { kid: "' UNION SELECT 'key' --" }), 'Token signed by unknown key'],
  ['a URL as kid', () => signToken(key, {}, { kid: 'http://127.0.0.1:1/' }), 'Token signed by unknown key'],
  ['a key of somebody else under a known kid', () => signToken(stranger), 'Invalid token signature'],
  [
    'a key that it brings itself',
    () => signToken(stranger, {}, { jwk: stranger.publicJwk }),
    'Invalid token signature',
  ],
  ['another payload', swapPayload, 'Invalid token signature'],
  [
    'an algorithm that the key is not for',
    () => signToken(stranger, {}, { kid: 'rsa' }),
    'Token signed by unknown key',
  ],
  [
    'a critical extension',
    () => signToken(key, {}, { crit: ['x'], x: 1 }).catch(() => 'x'),
    'Token could not be decoded',
  ],
  ['no expiry', () => signToken(key, { exp: undefined }), `${MISSING}exp`],
  ['an expiry that is text', () => signToken(key, { exp: '2100' as never }), `${MISSING}exp`],
  ['no audience', () => signToken(key, { aud: undefined }), `${MISSING}aud`],
  ['another audience', () => signToken(key, { aud: 'other' }), `${MISSING}aud`],
  ['no issuer', () => signToken(key, { iss: undefined }), `${MISSING}iss`],
  ['another issuer', () => signToken(key, { iss: `${ISSUER}.evil` }), `${MISSING}iss`],
  ['a start that is to come', () => signToken(key, { nbf: now() + 60 }), `${MISSING}nbf`],
  ['no user id', () => signToken(key, { user_id: undefined }), `${MISSING}user_id`],
  ['an empty user id', () => signToken(key, { user_id: '' }), `${MISSING}user_id`],
  ['a user id that is a list', () => signToken(key, { user_id: ['ada'] }), `${MISSING}user_id`],
  ['no user name', () => signToken(key, { username: undefined }), `${MISSING}username`],
  ['a time that is over', () => signToken(key, { exp: now() - 6 }), 'Token has expired', 'TOKEN_EXPIRED'],
  ['a time long ago', () => signToken(key, { exp: 1 }), 'Token has expired', 'TOKEN_EXPIRED'],
];

const CASES = FORGED.map(([what, forge, message, code = 'UNAUTHENTICATED']) => ({
  what,
  forge,
  message,
  code,
}));

describe('a token is refused', () => {
  it.each(CASES)('that has $what', async ({ forge, message, code }) => {
    expect(await refusalOf(identify, bearer(await forge()))).toMatchObject({ code, message });
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
