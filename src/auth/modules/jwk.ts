/** The module for signed tokens (JWT) of an issuer whose public keys can be fetched. */
import { errors, type JWTPayload, type JWTVerifyOptions, type JWTVerifyResult, jwtVerify } from 'jose';
import type { AuthenticationConfig } from '../../config/config.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { JsonObject } from '../../types/json.ts';
import type { Identify } from '../authenticate.ts';
import { requireBearerToken, unauthenticated } from '../credentials.ts';
import { createFetchJson } from '../fetch-json.ts';
import { createKeySet } from '../key-set.ts';

type Settings = NonNullable<AuthenticationConfig['jwk']>;

export interface JwkDeps {
  readonly settings: Settings;
  readonly log: Log;
  /** Called when the issuer has other keys than before. */
  readonly onChange?: (() => void) | undefined;
}

/** Keys that are tried for a token that names none. */
const MAX_TRIES = 10;
const LATEST_DATE_MS = 8.64e15;

/** Throws BAD_USER_INPUT, in one line, when a file of the settings cannot be read. */
export function createJwk({ settings, log, onChange }: JwkDeps): Identify {
  const fetchJson = createFetchJson({ ...settings, caSetting: 'authentication.jwk.caFile' });
  const findKey = createKeySet({ settings, fetchJson, log, onChange });
  const options = toOptions(settings);
  return async (credentials) => {
    const token = requireBearerToken(credentials);
    const { payload } = await verify(token, findKey, options).catch((error: unknown) => {
      throw toRefusal(error);
    });
    const { exp = 0 } = payload;
    return {
      id: requireText(payload, settings.userIdClaim),
      name: requireText(payload, settings.usernameClaim),
      claims: payload as JsonObject,
      expiresAt: new Date(Math.min(exp * 1000, LATEST_DATE_MS)),
    };
  };
}

/** Only what is pinned here is believed of a token's header: its `jku`, `x5u` and `jwk` are never looked at. */
function toOptions(settings: Settings): JWTVerifyOptions {
  const { issuer, audience } = settings;
  return {
    algorithms: [...settings.algorithms],
    requiredClaims: ['exp'],
    clockTolerance: settings.clockToleranceMs / 1000,
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience: typeof audience === 'string' ? audience : [...audience] }),
  };
}

type KeyFinder = ReturnType<typeof createKeySet>;

async function verify(
  token: string,
  findKey: KeyFinder,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, findKey, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    return verifyByAny(token, error, options);
  }
}

/** Some issuers have several keys and do not name the one. */
async function verifyByAny(
  token: string,
  keys: errors.JWKSMultipleMatchingKeys,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  let tries = 0;
  for await (const key of keys) {
    tries += 1;
    try {
      return await jwtVerify(token, key, options);
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed) || tries >= MAX_TRIES) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

/** What is said of a token that is not accepted. Anything that is not known here is a token that cannot be read. */
function toRefusal(error: unknown): AppError {
  if (isAppError(error)) return error;
  if (error instanceof errors.JWTExpired) {
    return new AppError('TOKEN_EXPIRED', 'Token has expired', { cause: error });
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return unauthenticated('Invalid token signature', undefined, error);
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return unauthenticated('Token signed by unknown key', undefined, error);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthenticated(`Token missing claim: ${error.claim}`, CLAIM_FAULTS[error.reason], error);
  }
  return unauthenticated('Token could not be decoded', undefined, error);
}

const CLAIM_FAULTS: Readonly<Record<string, string>> = {
  check_failed: 'The claim is there, but its value is not accepted',
  invalid: 'The claim is there, but it is of a wrong type',
};

/** The value of a claim that says who it is: a text, or a whole number. */
function requireText(payload: JWTPayload, claim: string): string {
  const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  if (typeof value === 'string' && value !== '') return value;
  if (Number.isSafeInteger(value)) return String(value);
  throw unauthenticated(`Token missing claim: ${claim}`);
}
