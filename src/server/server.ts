/** What the server answers when it is ready, put together, and how it leaves. The listening socket lives in front.ts. */
import type { GraphQLSchema } from 'graphql';
import type { Access } from '../auth/access.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Config } from '../config/config.ts';
import type { GraphQLContext, OperationContext } from '../graphql/context.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { CreateUploadDeps } from '../uploads/uploads.ts';
import type { Front } from './front.ts';
import { createHttpEndpoint } from './http.ts';
import { createViewerLimits } from './limits.ts';
import { createMetricsEndpoint } from './metrics-endpoint.ts';
import { createOriginPolicy } from './origins.ts';
import type { PersistedOperations } from './persisted-operations.ts';
import type { Probes } from './probes.ts';
import { createReaders } from './readers.ts';
import { createResultFinisher } from './results.ts';
import { sendAway } from './send-away.ts';
import { closeServer } from './shutdown.ts';
import { createUploadEndpoint } from './uploads.ts';
import { createWebSocketEndpoint } from './websocket.ts';
import { createGraphQLYoga } from './yoga.ts';

export interface ServerDeps {
  readonly probes: Probes;
  readonly metrics: Metrics;
  readonly schema: GraphQLSchema;
  readonly config: Pick<Config, 'authentication' | 'limits' | 'mode' | 'server' | 'turns'>;
  readonly log: Log;
  /** Called once a request, and once a WebSocket. */
  readonly authenticate: Authenticate;
  readonly credentialChanges: Access['credentialChanges'];
  readonly persisted: PersistedOperations;
  /** What `POST /uploads` stores with. */
  readonly uploads: CreateUploadDeps;
  /** What the resolvers of one operation receive. */
  createContext(operation: OperationContext): GraphQLContext;
}

export interface RunningServer extends AsyncDisposable {
  /** Without a path. */
  readonly url: string;
  readonly port: number;
  readonly server: Front['server'];
  /**
   * Sends clients elsewhere: WebSockets are closed with 1012 and streams cut, each at a time of its own within the window;
   * new sockets are refused. Requests are still answered. Resolves when the last was sent off. Disposing closes everything
   * within five seconds.
   */
  drain(windowMs: number): Promise<void>;
}

/** Answers on the front from now on. Disposing closes the front, too. */
export function startServer(front: Front, deps: ServerDeps): RunningServer {
  const { config, authenticate } = deps;
  const origins = createOriginPolicy(config);
  const finisher = createResultFinisher(deps);
  const limits = createViewerLimits(deps);
  const yoga = createGraphQLYoga({ ...deps, origins, finisher, openStream: limits.openStream });
  const readers = createReaders(deps.metrics);
  const admit: Authenticate = async (credentials) => {
    const viewer = await authenticate(credentials);
    await limits.admit(viewer);
    return viewer;
  };
  const http = createHttpEndpoint({
    yoga,
    readers,
    config,
    origins,
    finisher,
    probes: deps.probes,
    authenticate,
    credentialChanges: deps.credentialChanges,
    admit,
    uploads: createUploadEndpoint({ ...deps, limits: config.limits, origins, authenticate: admit }),
    answerMetrics: createMetricsEndpoint({ ...deps, policy: deps.uploads.policy }),
    metrics: deps.metrics,
  });
  const websocket = createWebSocketEndpoint({
    ...deps,
    yoga,
    readers,
    origins,
    finisher,
    admitViewer: limits.admit,
  });
  const closing = new AbortController();
  const drain = (windowMs: number): Promise<void> =>
    sendAway([...websocket.retire(), ...http.retire()], { windowMs, signal: closing.signal });
  front.handOver({ request: http.request, upgrade: websocket.upgrade });
  const { url, port, server } = front;
  return {
    url,
    port,
    server,
    drain,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await closeServer({
        server,
        async drain() {
          await drain(0);
          http.cutAll();
        },
        terminate: () => websocket.terminate(),
      });
      await yoga.dispose();
    },
  };
}
