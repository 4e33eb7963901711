/** The module for servers behind a gateway that has authenticated the client and says so in a header, x-rh-identity. */
import { z } from 'zod';
import type { AuthenticationConfig } from '../../config/config.ts';
import { AppError } from '../../errors.ts';
import type { JsonObject } from '../../types/json.ts';
import type { Identify, Identity } from '../authenticate.ts';
import { type Credentials, unauthenticated } from '../credentials.ts';

type Settings = NonNullable<AuthenticationConfig['rhIdentity']>;

const HEADER = 'x-rh-identity';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

const text = z.string().min(1);
const identitySchema = z.object({
  identity: z.discriminatedUnion('type', [
    z.looseObject({ type: z.literal('User'), user: z.looseObject({ user_id: text, username: text }) }),
    z.looseObject({ type: z.literal('System'), system: z.looseObject({ cn: text }), account_number: text }),
  ]),
  entitlements: z.record(z.string(), z.looseObject({ is_entitled: z.boolean() })).default({}),
});

type RhIdentity = z.output<typeof identitySchema>;

/**
 * Whoever can send the header is whoever they like: only the gateway may reach the server, and it must take the header
 * away from its clients. So it is never taken from the parameters of a WebSocket, which no gateway looks at.
 */
export function createRhIdentity({ requiredEntitlements }: Settings): Identify {
  return async (credentials) => {
    const found = parse(requireHeader(credentials));
    for (const name of requiredEntitlements) requireEntitlement(found, name);
    return toIdentity(found);
  };
}

function requireHeader({ headers }: Credentials): string {
  const [header, ...others] = headers[HEADER] ?? [];
  if (header === undefined) throw unauthenticated(`No ${HEADER} header found`);
  if (others.length > 0) throw undecodable(`There is more than one ${HEADER} header`);
  return header;
}

function parse(header: string): RhIdentity {
  if (header === '' || !BASE64.test(header)) throw undecodable('It is not base64');
  const parsed = identitySchema.safeParse(parseJson(Buffer.from(header, 'base64')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.map(String).join('.') ?? '';
  throw undecodable(where === '' ? 'It is not a JSON object' : `Not there, or not as it should be: ${where}`);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Throws FORBIDDEN: who it is, is known. */
function requireEntitlement({ entitlements }: RhIdentity, name: string): void {
  if (Object.hasOwn(entitlements, name) && entitlements[name]?.is_entitled) return;
  throw new AppError('FORBIDDEN', `Missing required entitlement: ${name}`);
}

function toIdentity({ identity, entitlements }: RhIdentity): Identity {
  const claims = { identity, entitlements } as unknown as JsonObject;
  if (identity.type === 'User') {
    return { id: identity.user.user_id, name: identity.user.username, claims };
  }
  return { id: identity.system.cn, name: identity.account_number, claims };
}

function undecodable(explanation: string): AppError {
  return unauthenticated(`The ${HEADER} header could not be decoded`, explanation);
}
