/** The one HTTP server of a process, with everything that it listens for. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { GraphQLSchema } from 'graphql';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import type { GraphQLContext, OperationContext } from '../graphql/context.ts';
import type { Log } from '../log.ts';
import type { Metrics, ObserverMetrics, ReaderMetrics } from '../metrics.ts';
import type { CreateUploadDeps } from '../uploads/uploads.ts';
import { createHttpEndpoint } from './http.ts';
import { createOriginPolicy } from './origins.ts';
import { createProbes, type ProbeDeps } from './probes.ts';
import { createReaders } from './readers.ts';
import { createResultFinisher } from './results.ts';
import { sendAway } from './send-away.ts';
import { closeServer } from './shutdown.ts';
import { createUploadEndpoint } from './uploads.ts';
import { createWebSocketEndpoint } from './websocket.ts';
import { createGraphQLYoga } from './yoga.ts';

export interface ServerDeps extends ProbeDeps {
  readonly metrics: Pick<Metrics, 'registry' | 'requestAnswered'> & ObserverMetrics & ReaderMetrics;
  readonly schema: GraphQLSchema;
  readonly config: Pick<Config, 'mode' | 'server' | 'turns' | 'limits'>;
  readonly log: Log;
  /** Called once a request, and once a WebSocket. */
  readonly authenticate: Authenticate;
  /** What `POST /uploads` stores with. */
  readonly uploads: CreateUploadDeps;
  /** What the resolvers of one operation receive. */
  createContext(operation: OperationContext): GraphQLContext;
}

export interface RunningServer extends AsyncDisposable {
  /** Without a path. */
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /**
   * Sends clients elsewhere: WebSockets are closed with 1012 and streams cut, each at a time of its own within the window;
   * new sockets are refused. Requests are still answered. Resolves when the last was sent off. Disposing closes everything
   * within five seconds.
   */
  drain(windowMs: number): Promise<void>;
}

/** Being full is logged once in this time, not for every connection that is closed. */
const FULL_LOG_MS = 60_000;

/** Resolves when the server listens. Throws an AppError with a line for the operator when it cannot. */
export async function startServer(deps: ServerDeps): Promise<RunningServer> {
  const { config, log, authenticate } = deps;
  const origins = createOriginPolicy(config);
  const finisher = createResultFinisher(log);
  const yoga = createGraphQLYoga({ ...deps, origins, finisher });
  const readers = createReaders(deps.metrics);
  const http = createHttpEndpoint({
    yoga,
    readers,
    config,
    origins,
    finisher,
    probes: createProbes(deps),
    authenticate,
    uploads: createUploadEndpoint({ uploads: deps.uploads, origins, authenticate }),
    metrics: deps.metrics,
  });
  const websocket = createWebSocketEndpoint({ yoga, readers, config, origins, finisher, log, authenticate });
  // The timeouts are for requests that arrive slowly; they end with the request, so no stream is cut by them.
  const server = createServer({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 2_000,
    // Peers that vanish in silence are asked by the kernel. Whoever is sent something meanwhile is beyond this.
    keepAlive: true,
    keepAliveInitialDelay: config.server.keepAliveMs,
  });
  server.maxConnections = config.server.maxConnections;
  observeConnections(server, deps);
  server.on('request', http.listener);
  server.on('upgrade', websocket.upgrade);

  const closing = new AbortController();
  const drain = (windowMs: number): Promise<void> =>
    sendAway([...websocket.retire(), ...http.retire()], { windowMs, signal: closing.signal });
  await listen(server, config.server);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${toUrlHost(config.server.host)}:${port}`,
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

/** Connections beyond the limit are closed as soon as they are made. */
function observeConnections(server: Server, { metrics, config, log }: ServerDeps): void {
  const { maxConnections } = config.server;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let quietUntil = 0;
  server.on('drop', () => {
    metrics.connectionDropped();
    const now = performance.now();
    if (now < quietUntil) return;
    quietUntil = now + FULL_LOG_MS;
    log.warn({ maxConnections }, 'there are too many connections; new ones are closed');
  });
  metrics.observe(
    { name: 'millrace_connections', help: 'Connections that are open on this node' },
    () => sockets.size,
  );
}

function listen(server: Server, { host, port }: Config['server']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(toListenError(error, `${host}:${port}`)));
    server.listen({ host, port }, resolve);
  });
}

function toListenError(cause: NodeJS.ErrnoException, address: string): AppError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `${address} is taken by another process; choose another port with PORT or --port`,
    EACCES: `${address} needs privileges that this process lacks; choose a port above 1023`,
    EADDRNOTAVAIL: `${address} is not an address of this machine; choose another with HOST or --host`,
  };
  const reason = reasons[cause.code ?? ''] ?? `Cannot listen on ${address}: ${cause.message}`;
  return new AppError('INTERNAL_SERVER_ERROR', reason, { cause });
}

function toUrlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
