/** The codes with which the server closes a WebSocket, beyond those that graphql-transport-ws itself prescribes. */
import type { FormattedExecutionResult } from 'graphql';
import { isAppError } from '../errors.ts';

/** Internal error (RFC 6455 §7.4.1). Stock clients do not retry. */
export const INTERNAL_ERROR = 1011;
/** The node is draining: connect again, to another one. Stock clients retry. */
export const DRAINING = 1012;
/** The reader is too slow, or the server has too much to do. Stock clients retry. */
export const SLOW_OR_OVERLOADED = 1013;
/** The client broke the protocol. */
export const BAD_MESSAGE = 4400;
/** Credentials are missing or invalid. Stock clients do not retry. */
export const BAD_CREDENTIALS = 4401;
/** The token has expired: refresh it and connect again. Stock clients retry. */
export const TOKEN_EXPIRED = 4403;

export interface Cut {
  readonly code: number;
  readonly reason: string;
}

/** Why a socket is closed whose operation failed in its midst; undefined: only the operation ends. The cursor stays valid. */
export function toCut(code: unknown): Cut | undefined {
  if (code === 'DEPENDENCY_UNAVAILABLE')
    return { code: SLOW_OR_OVERLOADED, reason: 'The database cannot be reached' };
  if (code === 'TURN_MOVED') return { code: DRAINING, reason: "The turn is another node's; connect again" };
  return undefined;
}

/**
 * Why a socket is closed whose subscription was refused; undefined: the refusal is told. A client that comes back after a drop
 * subscribes anew without a word: told of a failure that will pass, it would take its question for failed.
 */
export function toRefusalCut({ data, errors = [] }: FormattedExecutionResult): Cut | undefined {
  const code = data ? undefined : errors[0]?.extensions?.code;
  if (code === 'SHUTTING_DOWN') return { code: DRAINING, reason: 'The node is draining; connect again' };
  return code === 'DEPENDENCY_UNAVAILABLE' ? toCut(code) : undefined;
}

/** The code for a refusal to authenticate a connection. */
export function toCloseCode(error: unknown): number {
  if (isAppError(error, 'TOKEN_EXPIRED')) return TOKEN_EXPIRED;
  if (isAppError(error, 'UNAUTHENTICATED') || isAppError(error, 'FORBIDDEN')) return BAD_CREDENTIALS;
  return isAppError(error) ? SLOW_OR_OVERLOADED : INTERNAL_ERROR;
}
