/** A backend over HTTP: the one place that configures the `openai` client. Requests live in responses.ts and catalog.ts. */
import { OpenAI } from 'openai';
import { Agent, fetch as undiciFetch } from 'undici';
import type { BackendConfig } from '../config/config.ts';
import type { Log } from '../log.ts';
import type { Backend } from './backend.ts';
import { createCatalog } from './catalog.ts';
import { toIdentity } from './errors.ts';
import { parseJsonBody, readText } from './http-body.ts';
import { streamResponse } from './responses.ts';

export interface BackendDeps {
  readonly log?: Log;
  /** Its vector stores, where they are known beforehand. */
  readonly vectorStores?: readonly string[];
}

/** Holds nothing open between requests: there is nothing to dispose. */
export function createBackend(config: BackendConfig, deps: BackendDeps = {}): Backend {
  const client = createClient(config);
  const identity = toIdentity(config);
  const catalog = createCatalog({ client, config, identity });
  return {
    id: config.id,
    location: toLocation(config.baseUrl),
    vectorStores: deps.vectorStores,
    listModels: catalog.listModels,
    streamResponse: (request, signal) =>
      streamResponse({ client, config, identity, log: deps.log }, request, signal),
  };
}

/** The URL without credentials, query and fragment. */
function toLocation(baseUrl: string): string {
  const { origin, pathname } = new URL(baseUrl);
  return `${origin}${pathname === '/' ? '' : pathname}`;
}

function createClient(config: BackendConfig): OpenAI {
  return new OpenAI({
    baseURL: config.baseUrl,
    // The client insists on a key; the null header below keeps a made-up one from being sent.
    apiKey: config.apiKey ?? 'none',
    ...(config.apiKey === undefined && { defaultHeaders: { Authorization: null } }),
    // Set, so that the environment's are not sent to every backend alike.
    adminAPIKey: null,
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: config.turnTimeoutMs,
    logLevel: 'off',
    fetch: createFetch(config.connectTimeoutMs),
  });
}

/**
 * Node's own fetch gives up after 300 s without headers or bytes and cannot be told otherwise; deadlines.ts decides here.
 * Every request has its own connection: on a kept one that the backend is just closing, a turn would fail that is never
 * sent twice. Redirects are not followed: a prompt goes where the operator said and nowhere else.
 */
function createFetch(connectTimeoutMs: number): typeof globalThis.fetch {
  const dispatcher = new Agent({
    connect: { timeout: connectTimeoutMs },
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 0,
  });
  const fetchOnce = undiciFetch as unknown as (url: unknown, init: object) => Promise<Response>;
  return async (url, init) => {
    const response = await fetchOnce(url, { ...init, dispatcher, redirect: 'manual' });
    return response.ok ? response : toErrorResponse(response);
  };
}

/** The client keeps only `error` of a JSON body, and reads bodies of any size: both are settled before it sees the answer. */
async function toErrorResponse(response: Response): Promise<Response> {
  const text = await readText(response).catch(() => '');
  const body = parseJsonBody(text);
  const error = body === undefined ? { message: isMarkup(text) ? '' : text } : (body.error ?? body);
  return new Response(JSON.stringify({ error }), { status: response.status, headers: response.headers });
}

function isMarkup(text: string): boolean {
  return text.trimStart().startsWith('<');
}
