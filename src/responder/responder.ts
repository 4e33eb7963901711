/** The built-in backend: a Responses API server on loopback that answers from imported documents. What it answers is made in answer.ts. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { answer, type SearchDocuments } from './answer.ts';
import { type ApiFailure, toFailureBody } from './api-failure.ts';
import { MODEL, parseRequest } from './request.ts';
import { toEvents, toResponse } from './response-events.ts';

export interface ResponderDeps {
  readonly searchDocuments: SearchDocuments;
  readonly log: Log;
}

export interface Responder extends AsyncDisposable {
  /** Root of the API, ending in /v1. */
  readonly baseUrl: string;
  /** The bearer token that requests must carry; new in every process. */
  readonly apiKey: string;
}

const MAX_BODY_BYTES = 4 * 1_048_576;
/** Size of the pieces in which a stream is written. */
const WRITE_UNITS = 16_384;

/** Listens on a free port of 127.0.0.1. Disposing cuts the connections that are open. */
export async function startResponder(deps: ResponderDeps): Promise<Responder> {
  const apiKey = randomBytes(32).toString('base64url');
  const startedAt = Math.floor(Date.now() / 1_000);
  const server = createServer((request, response) => {
    route({ ...deps, apiKey, startedAt }, request, response).catch((error: unknown) => {
      if (response.headersSent || request.socket.destroyed) response.destroy();
      else refuse(response, toUnexpected(deps.log, error));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    apiKey,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface RouteDeps extends ResponderDeps {
  readonly apiKey: string;
  /** Seconds since the Unix epoch. */
  readonly startedAt: number;
}

async function route(deps: RouteDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '' } = request;
  const model = { id: MODEL, object: 'model', created: deps.startedAt, owned_by: 'millrace' };
  if (!isAuthorized(request, deps.apiKey)) return refuse(response, UNAUTHORIZED);
  const path = url.split('?', 1)[0] ?? '';
  const call = `${method} ${path}`;
  if (call === 'GET /v1/models') return sendJson(response, 200, { object: 'list', data: [model] });
  if (call === `GET /v1/models/${MODEL}`) return sendJson(response, 200, model);
  if (call === 'POST /v1/responses') return respond(deps, request, response);
  refuse(response, { ...UNKNOWN_URL, message: `Unknown request URL: ${method} ${path}.` });
}

const UNAUTHORIZED: ApiFailure = {
  status: 401,
  message: 'Incorrect API key provided.',
  type: 'authentication_error',
  code: 'invalid_api_key',
  param: null,
};
const UNKNOWN_URL: ApiFailure = {
  status: 404,
  message: 'Unknown request URL.',
  type: 'invalid_request_error',
  code: 'unknown_url',
  param: null,
};
const TOO_LARGE: ApiFailure = {
  status: 413,
  message: `The body is larger than ${MAX_BODY_BYTES} bytes.`,
  type: 'invalid_request_error',
  code: 'request_too_large',
  param: null,
};

/** Hashes are compared, so that neither content nor length shows in the time taken. */
function isAuthorized(request: IncomingMessage, apiKey: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${apiKey}`));
}

/** The search runs before the first byte is written: a database that is away is a status, not a broken stream. */
async function respond(deps: RouteDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = await readBody(request);
  if (text === undefined) return refuse(response, TOO_LARGE);
  const parsed = parseRequest(text);
  if ('failure' in parsed) return refuse(response, parsed.failure);
  const parts = await answer(parsed.request, deps.searchDocuments);
  if (response.destroyed) return;
  if (parsed.request.body.stream !== true) return sendJson(response, 200, toResponse(parts));
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  const frames = toEvents(parts).map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  await pipeline(Readable.from(toWrites(frames)), response);
}

/** Undefined when the body is too large; the rest of it is then read and dropped, so that the client sees the answer. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}

/** Few writes for many small frames. */
function* toWrites(frames: readonly string[]): Generator<string> {
  let open = '';
  for (const frame of frames) {
    open += frame;
    if (open.length < WRITE_UNITS) continue;
    yield open;
    open = '';
  }
  if (open !== '') yield open;
}

function toUnexpected(log: Log, error: unknown): ApiFailure {
  if (isAppError(error, 'DEPENDENCY_UNAVAILABLE')) {
    return {
      status: 503,
      message: error.message,
      type: 'server_error',
      code: 'service_unavailable',
      param: null,
    };
  }
  log.error({ err: error }, 'the responder failed');
  return {
    status: 500,
    message: 'The responder failed.',
    type: 'server_error',
    code: 'server_error',
    param: null,
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, JSON.stringify(body));
}

function refuse(response: ServerResponse, failure: ApiFailure): void {
  send(response, failure.status, toFailureBody(failure));
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
