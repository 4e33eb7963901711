/** Turns what the driver throws when the database cannot be reached into DEPENDENCY_UNAVAILABLE, and keeps what people said out of everything else. */
import { DrizzleQueryError } from 'drizzle-orm/errors';
import { AppError } from '../errors.ts';

/** Driver and socket codes: https://github.com/porsager/postgres#error-handling */
const UNREACHABLE = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);

/** SQLSTATE classes (https://www.postgresql.org/docs/current/errcodes-appendix.html): 08 connection, 57P shutdown and start-up. */
const LOST_STATE = /^(08...|57P0[1-5])$/;
/** Memory, disk or connections have run out: the connection itself goes on. */
const EXHAUSTED_STATE = /^53...$/;

/** Serialization failure, deadlock, lock not available, statement cancelled (by its timeout, mostly). */
const PASSING_STATES = new Set(['40001', '40P01', '55P03', '57014']);

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'cause' in error ? codeOf(error.cause) : undefined;
}

/** The SQLSTATE or driver code of an error, looking through wrappers. */
export function databaseCode(error: unknown): string | undefined {
  return codeOf(error);
}

/** Whether the connection that met the error is gone, or about to be. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && (UNREACHABLE.has(code) || LOST_STATE.test(code));
}

/** Whether the database could not do its work, through no fault of the statement. */
export function isUnreachable(error: unknown): boolean {
  return isConnectionLost(error) || EXHAUSTED_STATE.test(codeOf(error) ?? '');
}

/** Whether the same statements may well succeed a moment later: others were in the way. */
export function isPassing(error: unknown): boolean {
  return PASSING_STATES.has(codeOf(error) ?? '');
}

/** Without the parameters, which are what people said: errors are logged with their causes. */
function toLoggable(error: unknown): unknown {
  if (!(error instanceof DrizzleQueryError)) return error;
  return new Error(`Failed query: ${error.query}`, { cause: error.cause });
}

/** What a failed transaction rejects with. */
export function toDatabaseError(error: unknown): unknown {
  const cause = toLoggable(error);
  if (cause instanceof AppError || !isUnreachable(cause)) return cause;
  return new AppError('DEPENDENCY_UNAVAILABLE', 'Unable to connect to the database', { cause });
}
