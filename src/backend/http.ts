/** How requests reach a backend: connections, TLS, credentials, redirects. What is asked is the other files' matter. */
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { OpenAI } from 'openai';
import { Agent, fetch as undiciFetch } from 'undici';
import type { BackendConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { createEntraTokens } from './entra.ts';
import { parseJsonBody, readText } from './http-body.ts';
import { toKind } from './kind.ts';

type Fetch = typeof globalThis.fetch;

/** Throws BAD_USER_INPUT, in one line, when a file of its TLS settings cannot be read. Sends nothing. */
export function createClient(config: BackendConfig): OpenAI {
  return new OpenAI({
    baseURL: config.baseUrl,
    // The client insists on a key; the null header below keeps it from being sent where it must not be.
    apiKey: config.apiKey ?? 'none',
    defaultHeaders: toCredentialHeaders(config),
    defaultQuery: toDefaultQuery(config),
    // Set, so that the environment's are not sent to every backend alike.
    adminAPIKey: null,
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: config.turnTimeoutMs,
    logLevel: 'off',
    fetch: withToken(config, createFetch(config)),
  });
}

function toCredentialHeaders(config: BackendConfig): Record<string, string | null> {
  const { apiKey } = config;
  if (apiKey === undefined) return { Authorization: null };
  return toKind(config) === 'azure' ? { Authorization: null, 'api-key': apiKey } : {};
}

/** The older of Azure's two addresses wants to be told which version is meant. */
function toDefaultQuery(config: BackendConfig): Record<string, string> {
  const { pathname, searchParams } = new URL(config.baseUrl);
  const isClassic = toKind(config) === 'azure' && !/\/v1\/?$/.test(pathname);
  return isClassic && !searchParams.has('api-version') ? { 'api-version': config.apiVersion } : {};
}

/** Requests that carry a token of Microsoft Entra, where the backend is configured to want one. */
function withToken(config: BackendConfig, send: Fetch): Fetch {
  if (config.entra === undefined) return send;
  const tokens = createEntraTokens(config.id, config.entra);
  return async (url, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${await tokens.getToken(init?.signal ?? undefined)}`);
    return send(url, { ...init, headers });
  };
}

/**
 * Node's own fetch gives up after 300 s without headers or bytes and cannot be told otherwise; deadlines.ts decides here.
 * Every request has its own connection: on a kept one that the backend is just closing, a turn would fail that is never
 * sent twice. Redirects are not followed: a prompt goes where the operator said and nowhere else.
 */
function createFetch(config: BackendConfig): Fetch {
  const dispatcher = new Agent({
    connect: { timeout: config.connectTimeoutMs, ...toTlsOptions(config) },
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

function toTlsOptions(config: BackendConfig) {
  const { caFile, certFile, keyFile, insecureSkipVerify } = config.tls;
  const read = (key: string, file: string): string => readPem(`tls.${key} of the backend ${config.id}`, file);
  return {
    ...(caFile !== undefined && { ca: [...getCACertificates(), read('caFile', caFile)] }),
    ...(certFile !== undefined && { cert: read('certFile', certFile) }),
    ...(keyFile !== undefined && { key: read('keyFile', keyFile) }),
    ...(insecureSkipVerify && { rejectUnauthorized: false }),
  };
}

function readPem(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AppError('BAD_USER_INPUT', `${setting}: cannot read ${JSON.stringify(file)} (${code})`);
  }
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
