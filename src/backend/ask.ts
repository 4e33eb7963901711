/** Short questions to a backend that are answered by one JSON body: lists, verdicts, conversations. */
import type { OpenAI } from 'openai';
import type { BackendConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { orAborted } from '../lib/abort.ts';
import type { TtlCache } from '../lib/ttl-cache.ts';
import { type BackendIdentity, findStatus, toRequestError } from './errors.ts';

/** What every question needs. */
export interface Connection {
  readonly client: OpenAI;
  readonly config: BackendConfig;
  readonly identity: BackendIdentity;
}

export interface Question {
  readonly method: 'get' | 'post' | 'delete';
  /** Below the root of the Responses API. */
  readonly path: string;
  readonly body?: object;
  readonly query?: Readonly<Record<string, string | number>>;
  /** Absent: ten seconds. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/** The body of the answer, of which nothing is certain. Throws AppError BACKEND_*, or the signal's reason. */
export async function ask(
  connection: Connection,
  question: Question,
  signal?: AbortSignal,
): Promise<unknown> {
  const { method, path, body, query, timeoutMs = TIMEOUT_MS } = question;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signals = signal === undefined ? [timeout] : [signal, timeout];
  const options = { ...(body && { body }), ...(query && { query }), signal: AbortSignal.any(signals) };
  try {
    return await connection.client[method]<unknown>(path, options);
  } catch (error) {
    signal?.throwIfAborted();
    if (!timeout.aborted) throw toRequestError(error, connection.identity);
    throw new AppError('BACKEND_TIMEOUT', 'The backend did not answer in time', { cause: error });
  }
}

const LEGACY_ROOT = /(\/v1)\/openai\/v1\/?$/;

/** Where llama-stack has what OpenAI has not: its older versions keep the Responses API below a root of its own. */
export function toNativePath(baseUrl: string, path: string): string {
  const { origin, pathname } = new URL(baseUrl);
  return LEGACY_ROOT.test(pathname) ? `${origin}${pathname.replace(LEGACY_ROOT, '$1')}${path}` : path;
}

const LACKING: ReadonlySet<number> = new Set([404, 405, 501]);

/** Whether the backend answered that there is no such thing as was asked for. */
export function isLacking(error: unknown): boolean {
  return LACKING.has(findStatus(error) ?? 0);
}

/** The cached value; an aborted caller gets the signal's reason, and the load that others wait for goes on. */
export async function getCached<Value>(cache: TtlCache<Value>, signal: AbortSignal): Promise<Value> {
  const value = await orAborted(
    cache.get().then((loaded) => ({ loaded })),
    signal,
  );
  if (value === undefined) throw signal.reason;
  return value.loaded;
}
