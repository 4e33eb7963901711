/** Turns anything that was thrown into the GraphQL error that a client may see. The only way out for errors, on every transport. */
import { GraphQLError } from 'graphql';
import { type AppError, ERROR_CODES, isAppError, MAX_RETRY_AFTER_MS } from '../errors.ts';
import type { ErrorCode } from '../types/error-code.ts';

/** What `extensions` of every error holds; `requestId` finds the error in the log. */
export interface ErrorExtensions {
  readonly [key: string]: unknown;
  readonly code: ErrorCode;
  readonly cause: string | null;
  readonly retryable: boolean;
  readonly requestId: string;
  readonly retryAfterMs?: number;
  /** ISO 8601. */
  readonly resetAt?: string;
}

/** An error that is fit for the wire. */
export type CodedError = GraphQLError & { readonly extensions: ErrorExtensions };

/** Statuses by which the HTTP layer's own refusals are told apart; it has no codes for them. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  403: 'CSRF_HEADER_REQUIRED',
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/**
 * The error with its code, as it goes over the wire. An expected error keeps its message; every other one is
 * INTERNAL_SERVER_ERROR, "Internal server error", whatever it was. Converting the result again changes nothing but the requestId.
 */
export function toGraphQLError(error: unknown, requestId: string): CodedError {
  const appError = findAppError(error);
  const code = appError?.code ?? findRequestErrorCode(error) ?? 'INTERNAL_SERVER_ERROR';
  const located = error instanceof GraphQLError ? error : undefined;
  const shown = code === 'INTERNAL_SERVER_ERROR' ? undefined : (appError ?? located);
  const extensions = toExtensions(code, requestId, shown);
  const coded = new GraphQLError(shown?.message ?? 'Internal server error', {
    nodes: located?.nodes,
    source: located?.source,
    positions: located?.positions,
    path: located?.path,
    extensions,
  });
  return Object.assign(coded, { extensions });
}

/** The AppError in an error's chain of originals and causes, if there is one. */
export function findAppError(error: unknown): AppError | undefined {
  let current: unknown = error;
  while (current instanceof Error) {
    if (isAppError(current)) return current;
    current = current.cause;
  }
  return undefined;
}

function toExtensions(code: ErrorCode, requestId: string, source: Error | undefined): ErrorExtensions {
  const details = isAppError(source) ? source.details : undefined;
  const earlier = source instanceof GraphQLError ? source.extensions : {};
  const retryAfterMs = details?.retryAfterMs ?? earlier.retryAfterMs;
  const resetAt = details?.resetAt?.toISOString() ?? earlier.resetAt;
  const cause = details?.explanation ?? earlier.cause;
  return {
    code,
    cause: typeof cause === 'string' ? cause : null,
    retryable: ERROR_CODES[code].retryable,
    requestId,
    ...(typeof retryAfterMs === 'number' && { retryAfterMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) }),
    ...(typeof resetAt === 'string' && { resetAt }),
  };
}

/** The code of an error that the GraphQL layer itself made about the request, never of one that a resolver let through. */
function findRequestErrorCode(error: unknown): ErrorCode | undefined {
  if (!(error instanceof GraphQLError) || !(rootOf(error) instanceof GraphQLError)) return undefined;
  const http = error.extensions.http as { readonly status?: number } | undefined;
  const byStatus = http?.status === undefined ? undefined : CODE_OF_STATUS[http.status];
  const code = byStatus ?? error.extensions.code;
  if (typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)) return code as ErrorCode;
  return isAboutValues(error) ? 'BAD_USER_INPUT' : undefined;
}

/** Variables are checked before execution; only one that is null where an argument is not nullable is found later. */
function isAboutValues(error: GraphQLError): boolean {
  return error.path === undefined || error.message.startsWith('Argument "');
}

function rootOf(error: Error): unknown {
  let current: Error = error;
  while (current.cause instanceof Error) current = current.cause;
  return current.cause ?? current;
}
