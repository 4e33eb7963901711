/** A real server with a small schema of its own, for tests of what lies between a socket and a resolver. */
import { buildSchema, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql';
import type { Authenticate } from '../../src/auth/authenticate.ts';
import { createDefaultPolicy } from '../../src/auth/policy.ts';
import { type Config, type ConfigInput, configSchema } from '../../src/config/config.ts';
import type { Database } from '../../src/db/client.ts';
import { AppError } from '../../src/errors.ts';
import type { GraphQLContext } from '../../src/graphql/context.ts';
import { delay } from '../../src/lib/abort.ts';
import { createNotifier } from '../../src/lib/notifier.ts';
import type { Log } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { openFront } from '../../src/server/front.ts';
import { createPersistedOperations } from '../../src/server/persisted-operations.ts';
import { createProbes } from '../../src/server/probes.ts';
import { type RunningServer, type ServerDeps, startServer } from '../../src/server/server.ts';
import { createStartingEndpoints } from '../../src/server/starting.ts';
import type { ErrorCode } from '../../src/types/error-code.ts';
import { UNLIMITED } from './limits.ts';

const TYPE_DEFS = `
  enum Colour { RED }
  type Query {
    hello(name: String! = "world"): String!
    requestId: String!
    operationId: String
    viewer: String!
    expected: String
    unexpected: String
    leaky: String
    colour: Colour
  }
  type Mutation { count: Int! }
  type Subscription {
    ticks(n: Int!): Int!
    echo(text: String!): String!
    refused: Int
    away(code: String!): Int
    broken: Int
    fails: Int!
    loses: Int!
    waits: Int!
    starting: Int!
    flood: String!
  }
`;

type Resolver = GraphQLFieldResolver<unknown, GraphQLContext, never>;

/** What the resolvers of one server have seen. */
export interface Seen {
  mutations: number;
  /** Subscriptions that started, by field. */
  readonly started: string[];
  /** Ids of the operations that started one. */
  readonly operationIds: (string | null)[];
  /** Subscriptions whose signal was aborted, by field. */
  readonly aborted: string[];
  /** Events that `flood` made. */
  flooded: number;
}

export const SECRET = 'postgres://admin:hunter2@db.internal';
export const FLOOD_BYTES = 16 * 1024;

const QUERIES: Readonly<Record<string, Resolver>> = {
  hello: (_root, { name }: { name: string }) => `Hello, ${name}`,
  requestId: (_root, _args, { requestId }) => requestId,
  operationId: (_root, _args, { operationId }) => operationId,
  viewer: (_root, _args, { viewer }) => viewer.id,
  expected: () => {
    throw new AppError('QUOTA_EXCEEDED', 'The quota has been exceeded', {
      cause: new Error(SECRET),
      details: { explanation: 'User u1 has no available tokens', resetAt: new Date(0) },
    });
  },
  unexpected: () => {
    throw new TypeError(SECRET);
  },
  leaky: () => {
    throw Object.assign(new Error(SECRET), { extensions: { code: 'NOT_FOUND', secret: SECRET } });
  },
  colour: () => SECRET,
};

function createSubscriptions(seen: Seen): Readonly<Record<string, Resolver>> {
  const follow = (field: string, { signal, operationId }: GraphQLContext): void => {
    seen.started.push(field);
    seen.operationIds.push(operationId);
    signal.addEventListener('abort', () => seen.aborted.push(field), { once: true });
  };
  return {
    ticks: async (_root, { n }: { n: number }) => count(n),
    echo: async (_root, { text }: { text: string }) => values([text]),
    refused: async () => {
      throw new AppError('CONVERSATION_BUSY', 'A turn is running', { details: { retryAfterMs: 1_500 } });
    },
    away: async (_root, { code }: { code: ErrorCode }) => {
      throw new AppError(code, 'Not now');
    },
    broken: async () => {
      throw new TypeError(SECRET);
    },
    fails: async () => failing(new TypeError(SECRET)),
    loses: async () => failing(new AppError('DEPENDENCY_UNAVAILABLE', 'The database cannot be reached')),
    waits: async (_root, _args, context) => {
      const { signal } = context;
      follow('waits', context);
      return waiting(signal);
    },
    starting: async (_root, _args, context) => {
      const { signal } = context;
      follow('starting', context);
      await delay(2 ** 30, signal);
      return values([1]);
    },
    flood: async (_root, _args, context) => {
      const { signal } = context;
      follow('flood', context);
      return flooding(seen, signal);
    },
  };
}

async function* count(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i += 1) yield i;
}
async function* values<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
async function* failing(error: Error): AsyncGenerator<number> {
  yield 1;
  throw error;
}
async function* waiting(signal: AbortSignal): AsyncGenerator<number> {
  yield 1;
  await delay(2 ** 30, signal);
}
async function* flooding(seen: Seen, signal: AbortSignal): AsyncGenerator<string> {
  const text = 'x'.repeat(FLOOD_BYTES);
  for (; !signal.aborted; seen.flooded += 1) yield text;
}

function createSchema(seen: Seen): GraphQLSchema {
  const schema = buildSchema(TYPE_DEFS);
  const identity: GraphQLFieldResolver<unknown, GraphQLContext> = (value) => value;
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    field.resolve = (QUERIES[field.name] ?? identity) as GraphQLFieldResolver<unknown, GraphQLContext>;
  }
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    field.resolve = () => {
      seen.mutations += 1;
      return seen.mutations;
    };
  }
  const subscriptions = createSubscriptions(seen);
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) {
    field.subscribe = subscriptions[field.name] as GraphQLFieldResolver<unknown, GraphQLContext>;
    field.resolve = identity;
  }
  return schema;
}

export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface TransportServer extends RunningServer {
  readonly deps: ServerDeps;
  readonly endpoint: string;
  readonly socketUrl: string;
  readonly seen: Seen;
  readonly lines: readonly LogLine[];
}

export interface TransportOptions {
  readonly config?: ConfigInput;
  readonly mode?: Config['mode'];
  readonly authenticate?: Authenticate;
  readonly readiness?: () => Promise<readonly string[]>;
}

export async function startTransportServer(options: TransportOptions = {}): Promise<TransportServer> {
  const seen: Seen = { mutations: 0, started: [], operationIds: [], aborted: [], flooded: 0 };
  const lines: LogLine[] = [];
  const { server, ...rest } = configSchema.parse({
    ...options.config,
    limits: { ...UNLIMITED, ...options.config?.limits },
  });
  const metrics = createMetrics();
  const probes = createProbes({ readiness: options.readiness ?? (async () => []) });
  const deps: ServerDeps = {
    schema: createSchema(seen),
    config: { ...rest, mode: options.mode ?? 'production', server: { ...server, port: 0 } },
    log: recordingLog(lines),
    credentialChanges: createNotifier(),
    authenticate: options.authenticate ?? (async () => ({ id: 'u1', name: 'u1', roles: [] })),
    createContext: (operation) => operation as GraphQLContext,
    uploads: {
      database: {} as Database,
      policy: createDefaultPolicy({ localOperator: false }),
      limits: rest.limits,
    },
    probes,
    persisted: await createPersistedOperations(rest),
    metrics,
  };
  const front = await openFront(deps, createStartingEndpoints(probes));
  const running = startServer(front, deps);
  return Object.assign(running, {
    deps,
    endpoint: `${running.url}/graphql`,
    socketUrl: `${running.url.replace('http', 'ws')}/graphql`,
    seen,
    lines,
  });
}

function recordingLog(lines: LogLine[]): Log {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...fields }, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as Log;
}

export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly data?: unknown; readonly errors?: readonly PostedError[] };
}
export interface PostedError {
  readonly message: string;
  readonly path?: readonly unknown[];
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** Sends a GraphQL request as JSON and reads the answer as JSON. */
export async function post(
  endpoint: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Posted> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
