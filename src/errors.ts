/** The one error class, and the one table of error codes. Conversion happens at the edges: backend/errors in, graphql/errors out. */

import type { ErrorCode } from './types/error-code.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface ErrorCodeFacts {
  /** HTTP status that stands for the code. */
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  readonly level: LogLevel;
  /** What the code means and what to do; printed in the README's table. */
  readonly meaning: string;
}

const facts = (status: number, retryable: boolean, level: LogLevel, meaning: string): ErrorCodeFacts => ({
  status,
  retryable,
  level,
  meaning,
});

/** Every code that a client can meet. Names are shared with Apollo Server wherever it has one. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorCodeFacts>> = {
  UNAUTHENTICATED: facts(401, false, 'info', 'Credentials are missing or invalid. Send valid ones.'),
  TOKEN_EXPIRED: facts(401, false, 'info', 'The token has expired. Refresh it and connect again.'),
  FORBIDDEN: facts(
    403,
    false,
    'info',
    'You lack the permission that the message names. Ask an administrator.',
  ),
  NOT_FOUND: facts(404, false, 'info', 'There is no such thing, or it is not yours. Check the id.'),
  CONVERSATION_BUSY: facts(
    409,
    true,
    'info',
    'A turn is running in this conversation. Wait for it or cancel it.',
  ),
  IDEMPOTENCY_CONFLICT: facts(
    409,
    false,
    'info',
    'The clientTurnId was used for another request. Use a new one.',
  ),
  CURSOR_EXPIRED: facts(
    410,
    false,
    'info',
    'The events after this cursor are gone. Follow without a cursor.',
  ),
  CURSOR_INVALID: facts(422, false, 'info', 'The cursor is not one of this turn. Follow without a cursor.'),
  BAD_USER_INPUT: facts(422, false, 'info', 'A value is not acceptable; the message says which and why.'),
  SSRF_BLOCKED: facts(422, false, 'warn', 'The URL points at an address that the server may not contact.'),
  PROMPT_TOO_LONG: facts(413, false, 'info', 'The prompt does not fit the model. Shorten it.'),
  PAYLOAD_TOO_LARGE: facts(413, false, 'info', 'The request body or frame is too large. Send less.'),
  QUOTA_EXCEEDED: facts(429, false, 'info', 'The quota is used up. It is refilled at resetAt.'),
  RATE_LIMITED: facts(429, true, 'info', 'Too many requests. Try again after retryAfterMs.'),
  TOO_MANY_STREAMS: facts(429, true, 'info', 'Too many turns run, or streams are open. End one first.'),
  TOO_MANY_SUBSCRIPTIONS: facts(429, true, 'info', 'Too many operations on this socket. Complete one first.'),
  BACKEND_ERROR: facts(502, true, 'warn', 'The backend answered with an error; the cause is its message.'),
  BACKEND_PROTOCOL: facts(
    502,
    true,
    'warn',
    'The backend broke off or sent something that is not a response.',
  ),
  BACKEND_UNAVAILABLE: facts(503, true, 'warn', 'The backend cannot be reached.'),
  BACKEND_TIMEOUT: facts(504, true, 'warn', 'The backend did not answer in time.'),
  DEPENDENCY_UNAVAILABLE: facts(503, true, 'error', 'The database cannot be reached. Try again.'),
  AUTH_UNAVAILABLE: facts(503, true, 'error', 'The key server cannot be reached. Try again.'),
  SHUTTING_DOWN: facts(503, true, 'info', 'This node is shutting down. Connect again.'),
  TURN_MOVED: facts(
    503,
    true,
    'info',
    'This node lost the turn to another. Connect again; the cursor stays valid.',
  ),
  INTERNAL_SERVER_ERROR: facts(500, false, 'error', 'A fault of the server. Report it with the requestId.'),
  BAD_REQUEST: facts(400, false, 'info', 'The request is not a GraphQL request.'),
  BATCHING_DISABLED: facts(400, false, 'info', 'Send one operation per request.'),
  GRAPHQL_PARSE_FAILED: facts(400, false, 'info', 'The document is not GraphQL.'),
  GRAPHQL_VALIDATION_FAILED: facts(400, false, 'info', 'The document does not fit the schema.'),
  OPERATION_RESOLUTION_FAILURE: facts(400, false, 'info', 'Name the operation to run with operationName.'),
  OPERATION_TOO_COMPLEX: facts(400, false, 'info', 'The operation is too deep or too costly. Ask for less.'),
  PERSISTED_QUERY_NOT_FOUND: facts(400, false, 'info', 'No persisted operation has this id. Send the text.'),
  PERSISTED_QUERY_REQUIRED: facts(
    403,
    false,
    'info',
    'The server takes persisted operations only. Name one by its id.',
  ),
  CSRF_HEADER_REQUIRED: facts(
    403,
    false,
    'info',
    'Send a JSON content type or the header graphql-require-preflight.',
  ),
  METHOD_NOT_ALLOWED: facts(405, false, 'info', 'GET runs queries only. Use POST.'),
  NOT_ACCEPTABLE: facts(
    406,
    false,
    'info',
    'The Accept header allows no media type that fits the operation.',
  ),
  UNSUPPORTED_MEDIA_TYPE: facts(
    415,
    false,
    'info',
    'Send application/json; to /uploads a type that the message names.',
  ),
};

export interface AppErrorDetails {
  /** Milliseconds until a retry makes sense. */
  readonly retryAfterMs?: number;
  readonly resetAt?: Date;
  /** A sentence that explains the message; shown to the client as `cause`. */
  readonly explanation?: string;
}

/** An expected failure. `message` and `details` reach the client; `cause` is for the log only. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: AppErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: AppErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** By then whoever spreads requests over the nodes should know of others. */
const SHUTTING_DOWN_RETRY_MS = 1_000;

/** What a node that is told to stop answers to whatever it does not begin any more. */
export function createShuttingDown(): AppError {
  const details = { retryAfterMs: SHUTTING_DOWN_RETRY_MS };
  return new AppError('SHUTTING_DOWN', 'This node is shutting down', { details });
}

/** The longest `retryAfterMs` that is told; longer waits are told as `resetAt`. */
export const MAX_RETRY_AFTER_MS = 300_000;

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}
