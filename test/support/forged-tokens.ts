/** Tokens that are not what they should be, each with what it is told. */
import { createPublicKey } from 'node:crypto';
import { exportSPKI, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import type { ErrorCode } from '../../src/types/error-code.ts';
import { AUDIENCE, ISSUER, type SigningKey, signToken } from './key-server.ts';

/** What forgeries are made from. */
export interface Keys {
  /** Keys of the issuer: the one named `main`, and one named `rsa` for RS256. */
  readonly key: SigningKey;
  readonly rsa: SigningKey;
  /** Somebody else's, which is named `main`, too. */
  readonly stranger: SigningKey;
}

const now = () => Math.floor(Date.now() / 1000);

const payload = (): JWTPayload => ({
  iss: ISSUER,
  aud: AUDIENCE,
  exp: now() + 600,
  user_id: 'eve',
  username: 'Eve',
});
const hmacToken = async (secret: string, kid: string): Promise<string> =>
  new SignJWT(payload()).setProtectedHeader({ alg: 'HS256', kid }).sign(new TextEncoder().encode(secret));
const spki = async ({ rsa }: Keys): Promise<string> =>
  exportSPKI(createPublicKey({ key: rsa.publicJwk, format: 'jwk' }) as never);

const swapPayload = async ({ key }: Keys): Promise<string> => {
  const [header, , signature] = (await signToken(key)).split('.');
  return [header, Buffer.from(JSON.stringify(payload())).toString('base64url'), signature].join('.');
};
const MISSING = 'Token missing claim: ';

/** Each with the code and the words that it gets. */
type Forged = readonly [
  what: string,
  forge: (keys: Keys) => string | Promise<string>,
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
    async ({ key }) =>
      [
        Buffer.from('{"alg":"none"}').toString('base64url'),
        ...(await signToken(key)).split('.').slice(1),
      ].join('.'),
    'Token could not be decoded',
  ],
  [
    'HS256 with the public key as its secret',
    async (keys) => hmacToken(await spki(keys), 'rsa'),
    'Token could not be decoded',
  ],
  [
    'HS256 with the JWK as its secret',
    ({ rsa }) => hmacToken(JSON.stringify(rsa.publicJwk), 'rsa'),
    'Token could not be decoded',
  ],
  ['HS256 with a path as kid', () => hmacToken('\0', '../../../dev/null'), 'Token could not be decoded'],
  [
    'a path as kid',
    ({ key }) => signToken(key, {}, { kid: '../../../../dev/null' }),
    'Token signed by unknown key',
  ],
  [
    'SQL as kid',
    ({ key }) => signToken(key, {}, { kid: "' UNION SELECT 'key' --" }),
    'Token signed by unknown key',
  ],
  [
    'a URL as kid',
    ({ key }) => signToken(key, {}, { kid: 'http://127.0.0.1:1/' }),
    'Token signed by unknown key',
  ],
  [
    'a key of somebody else under a known kid',
    ({ stranger }) => signToken(stranger),
    'Invalid token signature',
  ],
  [
    'a key that it brings itself',
    ({ stranger }) => signToken(stranger, {}, { jwk: stranger.publicJwk }),
    'Invalid token signature',
  ],
  ['another payload', swapPayload, 'Invalid token signature'],
  [
    'an algorithm that the key is not for',
    ({ stranger }) => signToken(stranger, {}, { kid: 'rsa' }),
    'Token signed by unknown key',
  ],
  [
    'a critical extension',
    ({ key }) => signToken(key, {}, { crit: ['x'], x: 1 }).catch(() => 'x'),
    'Token could not be decoded',
  ],
  ['no expiry', ({ key }) => signToken(key, { exp: undefined }), `${MISSING}exp`],
  ['an expiry that is text', ({ key }) => signToken(key, { exp: '2100' as never }), `${MISSING}exp`],
  ['no audience', ({ key }) => signToken(key, { aud: undefined }), `${MISSING}aud`],
  ['another audience', ({ key }) => signToken(key, { aud: 'other' }), `${MISSING}aud`],
  ['no issuer', ({ key }) => signToken(key, { iss: undefined }), `${MISSING}iss`],
  ['another issuer', ({ key }) => signToken(key, { iss: `${ISSUER}.evil` }), `${MISSING}iss`],
  ['a start that is to come', ({ key }) => signToken(key, { nbf: now() + 60 }), `${MISSING}nbf`],
  ['no user id', ({ key }) => signToken(key, { user_id: undefined }), `${MISSING}user_id`],
  ['an empty user id', ({ key }) => signToken(key, { user_id: '' }), `${MISSING}user_id`],
  ['a user id that is a list', ({ key }) => signToken(key, { user_id: ['ada'] }), `${MISSING}user_id`],
  ['no user name', ({ key }) => signToken(key, { username: undefined }), `${MISSING}username`],
  [
    'a time that is over',
    ({ key }) => signToken(key, { exp: now() - 6 }),
    'Token has expired',
    'TOKEN_EXPIRED',
  ],
  ['a time long ago', ({ key }) => signToken(key, { exp: 1 }), 'Token has expired', 'TOKEN_EXPIRED'],
];

export const FORGERIES = FORGED.map(([what, forge, message, code = 'UNAUTHENTICATED']) => ({
  what,
  forge,
  message,
  code,
}));
