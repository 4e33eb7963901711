/** Asks an authority a question over HTTP: bounded in time and size, without redirects. What the answer means is the asker's matter. */
import { getCACertificates } from 'node:tls';
import { Agent, fetch as undiciFetch } from 'undici';
import { parseJsonBody, readText } from '../backend/http-body.ts';
import { readText as readFile } from '../config/read-text.ts';
import type { JsonObject } from '../types/json.ts';

export interface FetchJsonOptions {
  readonly timeoutMs: number;
  /** PEM file of authorities to trust beside the usual ones. */
  readonly caFile?: string | undefined;
  /** What the operator knows the file by. */
  readonly caSetting: string;
}

export interface JsonRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Posted as JSON; absent: a GET. */
  readonly body?: JsonObject;
}

export interface JsonAnswer {
  readonly status: number;
  readonly body: JsonObject;
}

/** Rejects when there is no answer in time, or none that is a JSON object of at most a mebibyte. */
export type FetchJson = (url: string, request?: JsonRequest) => Promise<JsonAnswer>;

const MAX_BYTES = 1024 * 1024;

/** Throws BAD_USER_INPUT, in one line, when the file cannot be read. Sends nothing. */
export function createFetchJson(options: FetchJsonOptions): FetchJson {
  const { timeoutMs, caFile } = options;
  const ca =
    caFile === undefined ? undefined : [...getCACertificates(), readFile(options.caSetting, caFile, '/')];
  // Every request has its own connection, so that none is left open when the server has stopped.
  const dispatcher = new Agent({ connect: { timeout: timeoutMs, ...(ca && { ca }) }, pipelining: 0 });
  return async (url, { headers, body } = {}) => {
    const response = await undiciFetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: 'error',
      dispatcher,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readText(response as unknown as Response, MAX_BYTES);
    const parsed = parseJsonBody(text);
    if (parsed === undefined)
      throw new Error(`${new URL(url).host} answered ${response.status} without JSON`);
    return { status: response.status, body: parsed };
  };
}
