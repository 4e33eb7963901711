/** A Responses API server on loopback that does what a test tells it, and remembers what it was asked. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { TOPIC_INSTRUCTIONS } from '../../src/conversations/topic-summary.ts';
import type { JsonObject } from '../../src/types/json.ts';
import { type Exchange, play } from './fake-backend-play.ts';
import { type Script, status, stream, textResponse } from './fake-backend-script.ts';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The parsed body; empty when there was none. */
  readonly body: JsonObject;
  /** Milliseconds of performance.now(). */
  readonly startedAt: number;
  /** Whether the client went away before the answer was complete. */
  readonly aborted: boolean;
  /** Resolves when the connection of this request is over, whoever ended it. */
  readonly closed: Promise<void>;
}

export interface FakeBackendOptions {
  /** Entries of GET /models. */
  readonly models?: readonly JsonObject[];
  /** The answer to a request that no queued reply waits for; absent: a short text. */
  readonly onResponse?: (request: FakeRequest) => Script;
  /** Speaks TLS with this certificate; absent: plain HTTP. */
  readonly tls?: ServerOptions;
}

export interface FakeBackend extends AsyncDisposable {
  /** Ends in /v1. */
  readonly url: string;
  /** Every request in order of arrival. */
  readonly journal: readonly FakeRequest[];
  /** The POST /responses among them, but those for a topic summary: they come when they come. */
  readonly responses: readonly FakeRequest[];
  /** The requests for a topic summary. */
  readonly summaries: readonly FakeRequest[];
  /** Answers the next request for a response by this; replies queue up. */
  reply(script: Script): void;
  onResponse: (request: FakeRequest) => Script;
  onSummary: (request: FakeRequest) => Script;
  onModels: (request: FakeRequest) => Script;
  /** Answers a route such as `GET /v1/shields`, whatever the query, from now on. Absent: status 404. */
  on(route: string, answer: (request: FakeRequest) => Script): void;
  /** Resolves with the request for a response of that number, from 1, as soon as it has come. */
  received(number: number): Promise<FakeRequest>;
}

const DEFAULT_MODELS: readonly JsonObject[] = [{ id: 'fake-model', object: 'model' }];

export async function startFakeBackend(options: FakeBackendOptions = {}): Promise<FakeBackend> {
  const journal: FakeRequest[] = [];
  const queue: Script[] = [];
  const waiters: { readonly number: number; readonly resolve: (request: FakeRequest) => void }[] = [];
  const listResponses = (): readonly FakeRequest[] => journal.filter(isResponseRequest);

  const routes = new Map<string, (request: FakeRequest) => Script>();
  const choose = (request: FakeRequest): Script => {
    const answer = routes.get(`${request.method} ${request.path.split('?')[0]}`);
    if (answer !== undefined) return answer(request);
    if (isSummaryRequest(request)) return fake.onSummary(request);
    if (isResponseRequest(request)) return queue.shift() ?? fake.onResponse(request);
    if (request.method === 'GET' && request.path === '/v1/models') return fake.onModels(request);
    return status(404, { error: { message: `no ${request.method} ${request.path} here` } });
  };
  const listener = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { request, exchange } = await accept(incoming, outgoing);
    journal.push(request);
    const count = listResponses().length;
    for (const waiter of waiters) if (waiter.number === count) waiter.resolve(request);
    await play(choose(request), exchange);
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const fake: FakeBackend = {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    journal,
    get responses() {
      return listResponses();
    },
    get summaries() {
      return journal.filter(isSummaryRequest);
    },
    reply: (script) => void queue.push(script),
    onResponse: options.onResponse ?? (() => stream(textResponse('An answer of the fake backend.'))),
    onSummary: () => stream(textResponse('A topic')),
    on: (route, answer) => void routes.set(route, answer),
    onModels: () => status(200, { object: 'list', data: options.models ?? DEFAULT_MODELS }),
    received: (number) => {
      const request = listResponses()[number - 1];
      if (request !== undefined) return Promise.resolve(request);
      return new Promise((resolve) => waiters.push({ number, resolve }));
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}

function isResponseRequest(request: FakeRequest): boolean {
  return isPostedResponse(request) && !isSummaryRequest(request);
}

function isSummaryRequest(request: FakeRequest): boolean {
  return isPostedResponse(request) && request.body.instructions === TOPIC_INSTRUCTIONS;
}

function isPostedResponse(request: FakeRequest): boolean {
  return request.method === 'POST' && request.path === '/v1/responses';
}

async function accept(
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<{ readonly request: FakeRequest; readonly exchange: Exchange }> {
  const startedAt = performance.now();
  const controller = new AbortController();
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  let wasReset = false;
  response.once('close', () => {
    controller.abort();
    resolve();
  });
  const request: FakeRequest = {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    body: await readBody(incoming),
    startedAt,
    get aborted() {
      return controller.signal.aborted && !response.writableFinished && !wasReset;
    },
    closed,
  };
  const reset = (): void => {
    wasReset = true;
    response.socket?.resetAndDestroy();
  };
  return { request, exchange: { response, gone: controller.signal, reset } };
}

/** Empty when the client went away while it was sending. */
async function readBody(incoming: IncomingMessage): Promise<JsonObject> {
  if (incoming.method !== 'POST') return {};
  const body = await json(incoming).catch(() => ({}));
  return body as JsonObject;
}
