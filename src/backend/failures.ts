/** What a backend says went wrong, put into our codes. Pure; errors of the network and of the client library live in errors.ts. */
import { MAX_RETRY_AFTER_MS } from '../errors.ts';
import type { ErrorCode } from '../types/error-code.ts';
import { isJsonObject, type JsonObject } from '../types/json.ts';

/** Longest explanation that is passed on, in characters. */
export const MAX_EXPLANATION = 2_000;

/** Characters in which secrets are looked for. */
const MAX_SCRUBBED = 4 * MAX_EXPLANATION;

export interface UpstreamFailure {
  readonly code: ErrorCode;
  /** Our own sentence; never the backend's text. */
  readonly message: string;
  /** The backend's own text without anything that looks like a credential, or null when it gave none. */
  readonly explanation: string | null;
  /** Milliseconds, at most 300,000; only where the backend told it. */
  readonly retryAfterMs?: number;
}

/** The sentence for each code that a backend's failure can have. */
const MESSAGES = {
  PROMPT_TOO_LONG: 'Prompt is too long',
  RATE_LIMITED: 'The backend is receiving too many requests',
  BACKEND_TIMEOUT: 'The backend did not answer in time',
  BACKEND_UNAVAILABLE: 'The backend is not available',
  BACKEND_ERROR: 'The backend could not answer',
} as const satisfies Partial<Record<ErrorCode, string>>;
type FailureCode = keyof typeof MESSAGES;

const TOO_LONG_CODES: ReadonlySet<string> = new Set([
  'context_length_exceeded',
  'exceed_context_size_error',
  'string_above_max_length',
  'request_too_large',
]);
const RATE_LIMIT_CODES: ReadonlySet<string> = new Set([
  'rate_limit_exceeded',
  'rate_limit_error',
  'too_many_requests',
  'slow_down',
]);
/** How OpenAI, Azure, vLLM, llama.cpp, Ollama, Anthropic and Gemini word it when they give no code. */
const TOO_LONG_TEXT =
  /maximum context length|context[ _]?(window|length|size)|prompt is too long|input is too long|input token count .{0,80}exceeds/i;
const RETRY_TEXT = /try again in (?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(ms|s))?/i;

const CODE_BY_STATUS: Readonly<Record<number, FailureCode>> = {
  408: 'BACKEND_TIMEOUT',
  413: 'PROMPT_TOO_LONG',
  429: 'RATE_LIMITED',
  503: 'BACKEND_UNAVAILABLE',
  504: 'BACKEND_TIMEOUT',
};
/** Statuses that settle the code whatever the text says: a token-rate limit also speaks of long requests. */
const DECISIVE_STATUSES: ReadonlySet<number> = new Set([401, 403, 413, 429]);

/**
 * Maps the error inside a `response.failed` or `error` event or of an untyped frame `{"error": …}`;
 * takes the error object, its text, or the event around it. Total: anything unknown is BACKEND_ERROR.
 */
export function toUpstreamFailure(error: unknown): UpstreamFailure {
  return toFailure(error, undefined);
}

/** The same for the body of an HTTP answer; the status counts where the body does not say more. */
export function toFailure(error: unknown, status: number | undefined): UpstreamFailure {
  const { words, numeric, text } = readError(error);
  const code = toCode(words, text, status ?? numeric);
  const retryAfterMs = code === 'RATE_LIMITED' ? parseRetryText(text) : undefined;
  return {
    code,
    message: MESSAGES[code],
    explanation: text === '' ? null : toExplanation(text),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** Whether an event says that the response has failed, in any of the ways in which servers say so. */
export function tellsFailure({ type, error, response }: JsonObject): boolean {
  if (typeof type !== 'string') return Boolean(error);
  if (type === 'error' || type === 'response.failed') return true;
  return type === 'response.completed' && isJsonObject(response) && response.status === 'failed';
}

/** Text of the backend as a client may see it: without the secrets and what looks like one, at most 2,000 characters. */
export function toExplanation(text: string, secrets: readonly string[] = []): string {
  const scrubbed = scrub(toBeginning(text), secrets).trim();
  if (scrubbed.length <= MAX_EXPLANATION) return scrubbed;
  return `${scrubbed.slice(0, MAX_EXPLANATION - 1).toWellFormed()}…`;
}

/** More than is passed on, and little enough for the patterns below; the word in which it would be cut may be half a secret. */
function toBeginning(text: string): string {
  if (text.length <= MAX_SCRUBBED) return text;
  const beginning = text.slice(0, MAX_SCRUBBED);
  const end = Math.max(beginning.lastIndexOf(' '), beginning.lastIndexOf('\n'));
  return end === -1 ? beginning : beginning.slice(0, end);
}

/** The object with the secrets removed from its strings; the same object when there are none. */
export function scrubValue(value: JsonObject, secrets: readonly string[]): JsonObject {
  if (secrets.length === 0) return value;
  const remove = (_key: string, inner: unknown): unknown =>
    typeof inner === 'string' ? removeSecrets(inner, secrets) : inner;
  return JSON.parse(JSON.stringify(value), remove);
}

function removeSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[removed]'), text);
}

/** The text with the secrets, bearer and JSON web tokens, API keys and passwords in URLs replaced. */
function scrub(text: string, secrets: readonly string[]): string {
  return removeSecrets(text, secrets)
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=*-]{6,}/gi, '$1 [removed]')
    .replace(/\b(?:sk-|pk-|gsk_|xai-|hf_)[\w*.-]{6,}/g, '[removed]')
    .replace(/\beyJ[\w-]{6,}(?:\.[\w-]+){1,2}/g, '[removed]')
    .replace(/\b(api[-_ ]?key|token|secret|password)(["']?\s*[:=]\s*["']?)[\w.~+/=*-]{6,}/gi, '$1$2[removed]')
    .replace(/(\bhttps?:\/\/)[^\s/@:]*:[^\s/@]*@/gi, '$1[removed]@');
}

interface ReadError {
  /** `code` and `type`, whichever are words. */
  readonly words: readonly string[];
  /** An HTTP status that some backends put into `code` or `status`. */
  readonly numeric: number | undefined;
  readonly text: string;
}

function readError(error: unknown): ReadError {
  const found = unwrap(error);
  if (typeof found === 'string') return { words: [], numeric: undefined, text: found };
  if (!isJsonObject(found)) return { words: [], numeric: undefined, text: '' };
  const { code, type, status, message, detail, error_description: description } = found;
  const words = [code, type].filter((value) => typeof value === 'string');
  const numeric = [code, status].map(toStatus).find((value) => value !== undefined);
  const said = [message, detail, description].find((value) => value !== undefined && value !== null) ?? '';
  return { words, numeric, text: typeof said === 'string' ? said : JSON.stringify(said) };
}

function toStatus(value: unknown): number | undefined {
  const status = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined;
}

/** An event or a body holds its error in `error` or `response.error`; an `error` event may itself be the error. */
function unwrap(error: unknown): unknown {
  if (!isJsonObject(error)) return error;
  const inner = error.error ?? (isJsonObject(error.response) ? error.response.error : undefined);
  return isJsonObject(inner) || typeof inner === 'string' ? inner : error;
}

function toCode(words: readonly string[], text: string, status: number | undefined): FailureCode {
  if (words.some((word) => TOO_LONG_CODES.has(word))) return 'PROMPT_TOO_LONG';
  const byStatus = status === undefined ? undefined : CODE_BY_STATUS[status];
  if (status !== undefined && DECISIVE_STATUSES.has(status)) return byStatus ?? 'BACKEND_ERROR';
  if (words.some((word) => RATE_LIMIT_CODES.has(word))) return 'RATE_LIMITED';
  if (TOO_LONG_TEXT.test(text)) return 'PROMPT_TOO_LONG';
  return byStatus ?? 'BACKEND_ERROR';
}

/** OpenAI ends its rate-limit message with "Please try again in 1m2.5s." */
function parseRetryText(text: string): number | undefined {
  const match = RETRY_TEXT.exec(text);
  if (!match || (match[1] === undefined && match[2] === undefined)) return undefined;
  const unit = match[3]?.toLowerCase() === 'ms' ? 1 : 1_000;
  const ms = Number(match[1] ?? 0) * 60_000 + Number(match[2] ?? 0) * unit;
  return Math.min(Math.ceil(ms), MAX_RETRY_AFTER_MS);
}
