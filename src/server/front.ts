/** The one listening socket of a process: open before anything else is there, closed last. Who answers on it changes; no connection is lost by that. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ObserverMetrics, ReaderMetrics } from '../metrics.ts';

/** What answers, for the events of Node's HTTP server that have these names. */
export interface Endpoints {
  request(req: IncomingMessage, res: ServerResponse): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface Front extends AsyncDisposable {
  /** Without a path. */
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** What comes from now on goes to these. */
  handOver(endpoints: Endpoints): void;
}

export interface FrontDeps {
  readonly config: Pick<Config, 'server'>;
  readonly log: Log;
  readonly metrics: ObserverMetrics & ReaderMetrics;
}

/** Being full is logged once in this time, not for every connection that is closed. */
const FULL_LOG_MS = 60_000;

/** Resolves when the port is open. Throws an AppError with a line for the operator when it cannot be opened. */
export async function openFront(deps: FrontDeps, first: Endpoints): Promise<Front> {
  const settings = deps.config.server;
  let endpoints = first;
  // The timeouts are for requests that arrive slowly; they end with the request, so no stream is cut by them.
  const server = createServer({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 2_000,
    // Peers that vanish in silence are asked by the kernel. Whoever is sent something meanwhile is beyond this.
    keepAlive: true,
    keepAliveInitialDelay: settings.keepAliveMs,
  });
  server.maxConnections = settings.maxConnections;
  observeConnections(server, deps);
  server.on('request', (req, res) => endpoints.request(req, res));
  server.on('upgrade', (req, socket, head) => endpoints.upgrade(req, socket, head));
  await listen(server, settings);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${toUrlHost(settings.host)}:${port}`,
    port,
    server,
    handOver(next) {
      endpoints = next;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Connections beyond the limit are closed as soon as they are made. */
function observeConnections(server: Server, { metrics, config, log }: FrontDeps): void {
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
