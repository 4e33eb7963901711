/** Whatever the client library or the network throws, made into an AppError that gives nothing away. Failures inside a stream live in failures.ts. */
import { APIConnectionTimeoutError, APIError } from 'openai';
import type { BackendConfig } from '../config/config.ts';
import { AppError, type AppErrorDetails, isAppError, MAX_RETRY_AFTER_MS } from '../errors.ts';
import { toExplanation, toFailure } from './failures.ts';
import { listBackendSecrets, toSecrets } from './secrets.ts';

/** What the conversion must know of the backend. */
export interface BackendIdentity {
  readonly id: string;
  /** What a client must never read: the key and the address. */
  readonly secrets: readonly string[];
}

export function toIdentity(config: BackendConfig): BackendIdentity {
  return { id: config.id, secrets: toSecrets(listBackendSecrets(config)) };
}

/** The same backend, where a request tells it more that a client must not read: a server may quote what it was sent. */
export function withSecrets(backend: BackendIdentity, told: readonly string[]): BackendIdentity {
  return told.length === 0 ? backend : { ...backend, secrets: toSecrets([...backend.secrets, ...told]) };
}

/** For a request that brought no answer, or one that is not a success. */
export function toRequestError(error: unknown, backend: BackendIdentity): AppError {
  const known = listLinks(error).find((link) => isAppError(link));
  if (known) return known;
  if (error instanceof APIError && error.status !== undefined) return toStatusError(error, backend);
  const code = findErrorCode(error);
  if (error instanceof APIConnectionTimeoutError || code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new AppError('BACKEND_TIMEOUT', `Unable to connect to ${backend.id} in time`, { cause: error });
  }
  if (code === PARSER_ERROR) return toProtocolError('It does not speak HTTP.', error);
  if (error instanceof SyntaxError) return toProtocolError('It sent JSON that cannot be read.', error);
  return new AppError('BACKEND_UNAVAILABLE', `Unable to connect to ${backend.id}`, {
    cause: error,
    details: toDetails(explainConnection(code)),
  });
}

/** For an answer that broke off or is not what a Responses API sends. The explanation reaches the client. */
export function toProtocolError(explanation: string, cause?: unknown): AppError {
  return new AppError('BACKEND_PROTOCOL', 'The backend did not send a whole response', {
    cause,
    details: { explanation },
  });
}

/** For an error body that came with a status of success. */
export function toBodyError(body: unknown, backend: BackendIdentity): AppError {
  const failure = toFailure(body, undefined);
  return new AppError(failure.code, failure.message, {
    details: { ...toDetails(failure.explanation, backend), ...toRetryDetails(failure.retryAfterMs) },
  });
}

function toStatusError(error: APIError, backend: BackendIdentity): AppError {
  const { status, headers } = error;
  const failure = toFailure(error.error, status);
  const explanation = failure.explanation ?? `The backend answered with HTTP status ${status}.`;
  const mayTellWhen = failure.code === 'RATE_LIMITED' || failure.code === 'BACKEND_UNAVAILABLE';
  const retryAfterMs =
    (mayTellWhen ? parseRetryAfter(headers, Date.now()) : undefined) ?? failure.retryAfterMs;
  return new AppError(failure.code, failure.message, {
    cause: error,
    details: { ...toDetails(explanation, backend), ...toRetryDetails(retryAfterMs) },
  });
}

function toDetails(explanation: string | null, backend?: BackendIdentity): AppErrorDetails {
  return explanation === null ? {} : { explanation: toExplanation(explanation, backend?.secrets) };
}

function toRetryDetails(retryAfterMs: number | undefined): AppErrorDetails {
  if (retryAfterMs === undefined) return {};
  if (retryAfterMs <= MAX_RETRY_AFTER_MS) return { retryAfterMs };
  return { retryAfterMs: MAX_RETRY_AFTER_MS, resetAt: new Date(Date.now() + retryAfterMs) };
}

/** Milliseconds from `retry-after-ms`, or from `Retry-After` in seconds or as a date (RFC 9110 §10.2.3). */
export function parseRetryAfter(headers: Headers | undefined, now: number): number | undefined {
  const ms = toCount(headers?.get('retry-after-ms'));
  if (ms !== undefined) return Math.ceil(ms);
  const text = headers?.get('retry-after');
  const seconds = toCount(text);
  if (seconds !== undefined) return Math.ceil(seconds * 1_000);
  const date = Date.parse(text ?? '');
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function toCount(text: string | null | undefined): number | undefined {
  return text && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

/** What fetch calls an answer that is not HTTP; it is the one error of the network that has a name and no code. */
const PARSER_ERROR = 'HTTPParserError';

const MAX_LINKS = 5;

/** The error and its causes; fetch and the client library each add a link. */
function listLinks(error: unknown): readonly Error[] {
  const links: Error[] = [];
  for (let link = error; link instanceof Error && links.length < MAX_LINKS; link = link.cause)
    links.push(link);
  return links;
}

/** The first error code along the chain of causes. */
export function findErrorCode(error: unknown): string | undefined {
  for (const link of listLinks(error)) {
    if ('code' in link && typeof link.code === 'string') return link.code;
    if (link.name === PARSER_ERROR) return PARSER_ERROR;
  }
  return undefined;
}

/** The HTTP status that an error of this folder was made of. */
export function findStatus(error: unknown): number | undefined {
  const answered = listLinks(error).find((link) => link instanceof APIError);
  return answered?.status;
}

function explainConnection(code: string | undefined): string | null {
  if (code === undefined) return null;
  if (code === 'ECONNREFUSED') return 'The connection was refused.';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Its host name could not be resolved.';
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET') {
    return 'The connection was closed before an answer came.';
  }
  if (/CERT|TLS|SSL|EPROTO|SIGNATURE/.test(code)) return 'No secure connection could be made.';
  return null;
}
