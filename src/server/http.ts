/** The HTTP side of the server: routes, bodies in, answers out. What GraphQL makes of a request lives in yoga.ts. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../auth/access.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { openSession } from '../auth/session.ts';
import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import type { HttpMetrics } from '../metrics.ts';
import { openAnswerOutlet } from './answer-outlet.ts';
import { toCredentials } from './credentials.ts';
import { type Exchange, type HttpAnswer, once } from './exchange.ts';
import type { Endpoints } from './front.ts';
import { GRAPHIQL_CSP } from './graphiql.ts';
import { METRICS_PATH, type MetricsEndpoint } from './metrics-endpoint.ts';
import type { OriginPolicy } from './origins.ts';
import { json, type Probes } from './probes.ts';
import type { Readers } from './readers.ts';
import { toRefusalAnswer } from './refusal.ts';
import { readBody, requireJsonContent } from './request-body.ts';
import { toRequestId } from './request-id.ts';
import { pathOf, sendEarly } from './respond.ts';
import type { ResultFinisher } from './results.ts';
import type { SendOff } from './send-away.ts';
import { type ResultStream, sendStream } from './send-stream.ts';
import { UPLOADS_PATH, type UploadEndpoint } from './uploads.ts';
import type { WholeAnswer } from './use-answers.ts';
import { GRAPHQL_PATH, type Yoga } from './yoga.ts';

const OWN_PATHS: readonly string[] = ['/', GRAPHQL_PATH, UPLOADS_PATH, METRICS_PATH];

/** What the content type of every body has been found to mean, in the one spelling that Yoga knows. */
const PLAIN_JSON = { 'content-type': 'application/json' };

export interface HttpDeps {
  readonly yoga: Yoga;
  readonly config: Pick<Config, 'authentication' | 'mode' | 'server' | 'turns'>;
  readonly origins: OriginPolicy;
  readonly finisher: ResultFinisher;
  readonly probes: Probes;
  readonly authenticate: Authenticate;
  readonly credentialChanges: Access['credentialChanges'];
  /** The same for one operation, which it counts: throws RATE_LIMITED, too. */
  readonly admit: Authenticate;
  readonly uploads: UploadEndpoint;
  readonly answerMetrics: MetricsEndpoint;
  readonly metrics: HttpMetrics;
  readonly readers: Readers;
}

export interface HttpEndpoint {
  readonly request: Endpoints['request'];
  /**
   * From now on each connection is closed behind its answer. Returns what cuts each of the streams that are open, so that its
   * client connects again; requests are still answered, and streams that begin later go on until everything is cut.
   */
  retire(): readonly SendOff[];
  /** Cuts all that is under way. */
  cutAll(): void;
}

export function createHttpEndpoint(deps: HttpDeps): HttpEndpoint {
  const open = new Set<Call>();
  let retired = false;
  return {
    request(req, res) {
      const requestId = toRequestId(req.headers['x-request-id']);
      const controller = new AbortController();
      const call: Call = { deps, req, res, requestId, controller, isStream: false };
      const startedAt = performance.now();
      open.add(call);
      res.once('close', () => {
        const durationMs = performance.now() - startedAt;
        deps.metrics.requestAnswered({ route: toRoute(deps, req), status: res.statusCode, durationMs });
        open.delete(call);
        controller.abort();
      });
      res.on('error', () => res.destroy());
      res.setHeader('x-request-id', requestId);
      res.setHeader('x-content-type-options', 'nosniff');
      res.setHeader('cache-control', 'no-store');
      if (retired) closeBehind(res);
      route(call).catch((error: unknown) => refuse(error, call));
    },
    retire() {
      retired = true;
      for (const { res } of open) closeBehind(res);
      return [...open].filter(({ isStream }) => isStream).map(toCut);
    },
    cutAll() {
      for (const { controller } of open) controller.abort();
    },
  };
}

/** One of our own paths: what clients make up is counted together. */
function toRoute({ probes }: HttpDeps, req: IncomingMessage): string {
  const path = pathOf(req);
  return OWN_PATHS.includes(path) || probes.has(path) ? path : 'other';
}

interface Call {
  readonly deps: HttpDeps;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly requestId: string;
  /** Aborted when nobody waits for the answer any more, or nobody is to. */
  readonly controller: AbortController;
  /** True as soon as the answer is known to be a stream. */
  isStream: boolean;
}

const toCut =
  ({ controller }: Call): SendOff =>
  () =>
    controller.abort();

/** The client is to open its next connection elsewhere. Too late for an answer that has begun. */
function closeBehind(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('connection', 'close');
}

async function route(call: Call): Promise<void> {
  const { deps, req, res } = call;
  const path = pathOf(req);
  if (path === GRAPHQL_PATH) return answerGraphQL(call);
  if (path === UPLOADS_PATH) return answerUpload(call);
  const probe = path === METRICS_PATH ? () => deps.answerMetrics(req) : deps.probes.get(path);
  if (!probe && path !== '/') throw new AppError('NOT_FOUND', 'There is nothing here');
  requireMethod(req, res, ['GET', 'HEAD']);
  if (probe) return send(call, await probe());
  if (deps.config.mode === 'development')
    return send(call, { status: 302, headers: { location: GRAPHQL_PATH }, body: '' });
  send(call, json(200, { service: 'millrace', graphql: GRAPHQL_PATH }));
}

async function answerUpload(call: Call): Promise<void> {
  const answer = await call.deps.uploads.answer(call.req, call.res);
  if (answer !== undefined) send(call, answer);
}

async function answerGraphQL(call: Call): Promise<void> {
  const { deps, req, res, requestId, controller } = call;
  const { origin, host } = req.headers;
  if (!deps.origins.allows(origin, host))
    throw new AppError('FORBIDDEN', 'This origin may not call the server');
  const method = requireMethod(req, res, ['GET', 'POST', 'OPTIONS']);
  if (method === 'GET' && deps.config.mode === 'production' && req.headers.accept?.includes('text/html')) {
    throw new AppError('NOT_FOUND', 'GraphiQL is there in development mode only');
  }
  if (method === 'POST') requireJsonContent(req);
  const body = method === 'POST' ? await readBody(req) : null;
  if (body === undefined) return;

  const answer: HttpAnswer = { method, accept: req.headers.accept ?? null };
  const credentials = toCredentials(req);
  const exchange: Exchange = {
    requestId,
    operationId: null,
    signal: controller.signal,
    admit: once(() => deps.admit(credentials)),
    credentials,
    answer,
  };
  const { Request } = deps.yoga.fetchAPI;
  const url = new URL(req.url ?? '/', 'http://localhost');
  const response = await deps.yoga.handleRequest(
    new Request(url, { method, headers: { ...toHeaders(req), ...(body !== null && PLAIN_JSON) }, body }),
    { exchange },
  );
  const isPage = response.headers.get('content-type')?.startsWith('text/html');
  const headers = {
    ...Object.fromEntries(response.headers),
    ...(isPage && { 'content-security-policy': GRAPHIQL_CSP }),
  };
  if (answer.stream) return sendResults(call, exchange, { stream: answer.stream, headers });
  send(call, { status: response.status, headers, body: await response.text() });
}

interface StreamAnswer {
  readonly stream: ResultStream;
  readonly headers: Record<string, string>;
}

async function sendResults(call: Call, exchange: Exchange, { stream, headers }: StreamAnswer): Promise<void> {
  const { deps, res, requestId, controller } = call;
  const { authenticate, config } = deps;
  call.isStream = true;
  const viewer = await exchange.admit();
  const revocation = new AbortController();
  openSession({
    authenticate,
    recheckMs: config.authentication.recheckMs,
    changes: deps.credentialChanges,
    credentials: exchange.credentials,
    viewer,
    signal: controller.signal,
    onEnd: (error) => revocation.abort(error),
  });
  res.writeHead(200, { ...headers, 'x-accel-buffering': 'no' });
  await sendStream(res, stream, {
    keepAliveMs: config.server.keepAliveMs,
    stallMs: config.turns.followerStallMs,
    readers: deps.readers,
    signal: controller.signal,
    revoked: revocation.signal,
    finish: (result) => deps.finisher.finish(result, requestId),
    finishError: (error) => deps.finisher.finishError(error, requestId),
  });
}

function refuse(error: unknown, call: Call): void {
  const { deps, req, res, requestId } = call;
  const coded = deps.finisher.finishError(error, requestId);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const answer = toRefusalAnswer(req, coded);
  if (req.complete) send(call, answer);
  else sendEarly(req, res, answer);
}

function send({ deps, res }: Call, { status, headers, body }: WholeAnswer): void {
  const { readers, config } = deps;
  const outlet = openAnswerOutlet(res, {
    transport: 'http',
    readers,
    stallMs: config.turns.followerStallMs,
  });
  res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  outlet.cork();
  res.end(body);
}

function requireMethod(req: IncomingMessage, res: ServerResponse, allowed: readonly string[]): string {
  const { method = '' } = req;
  if (allowed.includes(method)) return method;
  res.setHeader('allow', allowed.join(', '));
  throw new AppError('METHOD_NOT_ALLOWED', `The method ${method} is not supported here`);
}

function toHeaders(req: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(req.headersDistinct).map(([name, values = []]) => [name, values.join(', ')]),
  );
}
