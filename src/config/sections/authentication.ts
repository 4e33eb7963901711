/** The part of the configuration that says how clients prove who they are. What they may do then lives in authorization.ts. */
import { z } from 'zod';
import { HTTP_URL, httpUrl, notes, text } from '../vocabulary.ts';

export const AUTH_MODULES = [
  'noop',
  'noop-with-token',
  'api-key-token',
  'jwk-token',
  'k8s',
  'rh-identity',
] as const;

/** With a public key that everybody may read nothing can be signed: no algorithm here has a shared secret. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** Shorter ones can be guessed, or are passwords. */
const MIN_KEY_LENGTH = 16;
export const API_KEY = `text of at least ${MIN_KEY_LENGTH} letters, digits and signs a line`;
/** Together at most 30 seconds: so long may it take until somebody whose access was taken away loses their streams. */
const MAX_RECHECK_MS = 20_000;
const MAX_REVIEW_MS = 10_000;
/** As long may it take for keys: when others are fetched, open streams are looked at there and then. */
const MAX_KEYS_MS = 30_000;
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

const upTo = (maximum: number, fallback: number) => z.int().min(1).max(maximum).default(fallback);

const keySchema = z.strictObject({
  id: text.max(255).describe('Id of the viewer that the key stands for'),
  name: text.optional().describe('Name of that viewer; by default its id'),
  roles: z.array(text).default([]).describe('Roles of that viewer, beside `*`'),
  key: z
    .string()
    .optional()
    .meta(
      notes({
        description: `The key, at least ${MIN_KEY_LENGTH} characters; several, one a line, while one replaces another`,
        expected: API_KEY,
        secret: true,
      }),
    ),
  keyFile: text.optional().describe('File that holds `key`; read again while the server runs'),
});

const apiKeySchema = z.strictObject({
  keys: z.array(keySchema).min(1).describe('Who has which key'),
});

const jwkSchema = z.strictObject({
  url: httpUrl.meta(
    notes({
      description: 'Where the public keys are (a JWKS); https, unless on loopback',
      expected: HTTP_URL,
    }),
  ),
  issuer: text.optional().describe('The `iss` that a token must have'),
  audience: z
    .union([text, z.array(text).min(1)])
    .optional()
    .meta(
      notes({ description: 'The `aud` that a token must have, or some of them', expected: 'text or a list' }),
    ),
  insecureAnyIssuer: z.boolean().default(false).describe('Take tokens of every issuer; instead of `issuer`'),
  insecureAnyAudience: z
    .boolean()
    .default(false)
    .describe('Take tokens that are meant for others; instead of `audience`'),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .default([...ALGORITHMS])
    .describe('Signatures that are accepted'),
  userIdClaim: text.default('user_id').describe('Claim with the id of the viewer'),
  usernameClaim: text.default('username').describe('Claim with the name of the viewer'),
  clockToleranceMs: z.int().min(0).max(60_000).default(5_000).describe('By how much clocks may differ'),
  cacheMs: upTo(MAX_KEYS_MS, 30_000).describe('How long keys are used before they are fetched again'),
  staleMs: upTo(86_400_000, 3_600_000).describe(
    'How long they are used beyond that while the key server cannot be reached',
  ),
  cooldownMs: upTo(MAX_KEYS_MS, 30_000).describe('Least time between two fetches, whatever keys tokens name'),
  timeoutMs: upTo(60_000, 5_000).describe('Longest wait for the key server'),
  caFile: text.optional().describe('PEM file of authorities to trust beside the usual ones'),
});

export const k8sSchema = z.strictObject({
  apiUrl: z
    .url({ protocol: /^https$/ })
    .default('https://kubernetes.default.svc')
    .meta(notes({ description: 'The Kubernetes API server', expected: 'an https:// URL' })),
  caFile: text.default(`${SERVICE_ACCOUNT}/ca.crt`).describe('PEM file of its authority'),
  tokenFile: text
    .default(`${SERVICE_ACCOUNT}/token`)
    .describe(
      'File with the token of the service account that may review tokens; read again for each review',
    ),
  virtualPath: z
    .string()
    .regex(/^\//)
    .default('/ls-access')
    .meta(
      notes({
        description: 'Non-resource path that a viewer must be allowed to `get`',
        expected: 'a path that begins with /',
      }),
    ),
  audiences: z.array(text).default([]).describe('Audiences that a token must be for; empty: the API server'),
  timeoutMs: upTo(60_000, 5_000).describe('Longest wait for one answer of the API server'),
  cacheMs: upTo(MAX_REVIEW_MS, 10_000).describe('How long a review holds'),
});

const rhIdentitySchema = z.strictObject({
  requiredEntitlements: z
    .array(text)
    .default([])
    .describe('Entitlements that an identity must have, each of them'),
});

export const authenticationSchema = z.strictObject({
  module: z
    .enum(AUTH_MODULES)
    .optional()
    .describe(
      'How clients say who they are; noop, the default on a loopback host only, takes all for one viewer',
    ),
  recheckMs: upTo(MAX_RECHECK_MS, 20_000).describe(
    'How often the credentials of open sockets and streams are looked at again',
  ),
  apiKey: apiKeySchema.optional().describe('Settings of api-key-token'),
  jwk: jwkSchema.optional().describe('Settings of jwk-token'),
  k8s: k8sSchema.optional().describe('Settings of k8s'),
  rhIdentity: rhIdentitySchema.optional().describe('Settings of rh-identity'),
});

export type AuthModuleName = (typeof AUTH_MODULES)[number];

/** The keys of a setting or a file, one a line; one that is empty has an empty key. */
export function toKeys(text: string): readonly string[] {
  const keys = text.split('\n').flatMap((line) => line.trim() || []);
  return keys.length > 0 ? keys : [''];
}

/** Long enough, and of characters that a header can carry behind the word Bearer. */
export function isUsableKey(key: string): boolean {
  return key.length >= MIN_KEY_LENGTH && /^[\x21-\x7e]+$/.test(key);
}
