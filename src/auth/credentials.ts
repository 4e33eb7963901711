/** What a client shows to say who it is, and how its parts are found. Who it then is, the modules say. */
import { AppError } from '../errors.ts';

export interface Credentials {
  /** All values of each HTTP header, names in lower case; of a WebSocket, those of its upgrade. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  /** Path and query of the request; of a WebSocket, of its upgrade. */
  readonly url?: string | undefined;
  /** The payload of `connection_init` on a WebSocket. */
  readonly connectionParams?: Readonly<Record<string, unknown>> | undefined;
}

const BEARER = /^Bearer +(\S+)$/i;
/** Node takes no larger headers; a payload of a WebSocket could be larger. */
const MAX_TOKEN_LENGTH = 16_384;

/** Parameters of a WebSocket's connection count before the headers of its upgrade; names in any case. */
export function listValues(credentials: Credentials, name: string): readonly unknown[] {
  const params = Object.entries(credentials.connectionParams ?? {});
  const own = params.flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : []));
  return own.length > 0 ? own : (credentials.headers[name] ?? []);
}

/** The token behind the word Bearer; undefined when there is none, or more than one. */
export function findBearerToken(credentials: Credentials): string | undefined {
  const [value, ...others] = listValues(credentials, 'authorization');
  if (typeof value !== 'string' || others.length > 0 || value.length > MAX_TOKEN_LENGTH) return undefined;
  return BEARER.exec(value)?.[1];
}

/** The same; throws UNAUTHENTICATED instead. */
export function requireBearerToken(credentials: Credentials): string {
  const values = listValues(credentials, 'authorization');
  if (values.length === 0) throw unauthenticated('No Authorization header found');
  const token = findBearerToken(credentials);
  if (token !== undefined) return token;
  throw unauthenticated(
    'No token found in Authorization header',
    values.length > 1
      ? 'There is more than one Authorization header'
      : `Expected the word Bearer and a token of up to ${MAX_TOKEN_LENGTH} characters`,
  );
}

/** The credentials of a connection that shows another token from now on. */
export function withBearerToken(credentials: Credentials, token: string): Credentials {
  const others = Object.entries(credentials.connectionParams ?? {}).filter(
    ([key]) => key.toLowerCase() !== 'authorization',
  );
  return {
    ...credentials,
    connectionParams: { ...Object.fromEntries(others), authorization: `Bearer ${token}` },
  };
}

export function unauthenticated(message: string, explanation?: string, cause?: unknown): AppError {
  return new AppError('UNAUTHENTICATED', message, {
    cause,
    ...(explanation !== undefined && { details: { explanation } }),
  });
}
