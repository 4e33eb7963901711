/** Accepts WebSocket upgrades, and closes all sockets when the node leaves. What they carry lives in ws-protocol.ts. */
import type { IncomingMessage } from 'node:http';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Config } from '../config/config.ts';
import { AppError, createShuttingDown } from '../errors.ts';
import type { Log } from '../log.ts';
import type { LimitMetrics } from '../metrics.ts';
import { DRAINING } from './close-codes.ts';
import type { Endpoints } from './front.ts';
import type { OriginPolicy } from './origins.ts';
import type { Readers } from './readers.ts';
import { MAX_BODY_BYTES } from './request-body.ts';
import { toRequestId } from './request-id.ts';
import { pathOf, refuseUpgrade } from './respond.ts';
import type { ResultFinisher } from './results.ts';
import type { SendOff } from './send-away.ts';
import { createSocketPlaces } from './socket-places.ts';
import { serveConnection } from './ws-connection.ts';
import { type Connection, createProtocol, type ProtocolDeps } from './ws-protocol.ts';
import { GRAPHQL_PATH } from './yoga.ts';

export interface WebSocketDeps extends ProtocolDeps {
  readonly config: Pick<Config, 'authentication' | 'limits' | 'server' | 'turns'>;
  readonly metrics: LimitMetrics;
  readonly origins: OriginPolicy;
  readonly finisher: ResultFinisher;
  readonly log: Log;
  readonly readers: Readers;
}

export interface WebSocketEndpoint {
  readonly upgrade: Endpoints['upgrade'];
  /** Takes no more sockets; returns what closes each of those there are with 1012. */
  retire(): readonly SendOff[];
  /** Cuts what is still there. */
  terminate(): void;
}

export function createWebSocketEndpoint(deps: WebSocketDeps): WebSocketEndpoint {
  const { log, config, readers } = deps;
  const protocol = createProtocol(deps);
  const places = createSocketPlaces(deps);
  const connections = new Map<WebSocket, Connection>();
  let retired = false;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_BODY_BYTES,
    perMessageDeflate: false,
    handleProtocols: chooseProtocol,
  });
  const options = {
    protocol,
    log,
    readers,
    keepAliveMs: config.server.keepAliveMs,
    stallMs: config.turns.followerStallMs,
  };

  return {
    upgrade(req, socket, head) {
      socket.on('error', () => socket.destroy());
      const accept = async (): Promise<void> => {
        const refusal = findRefusal(req, deps.origins, retired);
        if (refusal) throw refusal;
        const place = await places.take(req);
        if (socket.closed) return place[Symbol.dispose]();
        socket.once('close', () => place[Symbol.dispose]());
        server.handleUpgrade(req, socket, head, (client) => {
          connections.set(client, serveConnection({ socket: client, req, place }, options));
          client.once('close', () => connections.delete(client));
        });
      };
      accept().catch((error: unknown) => {
        const requestId = toRequestId(req.headers['x-request-id']);
        refuseUpgrade(socket, deps.finisher.finishError(error, requestId));
      });
    },
    retire() {
      retired = true;
      return [...connections.values()].map(
        (connection) => () => connection.close(DRAINING, 'The node is draining; connect again'),
      );
    },
    terminate() {
      for (const client of connections.keys()) client.terminate();
    },
  };
}

/** Another protocol is accepted, to be closed with 4406 by name: without one, clients only see a failed handshake. */
function chooseProtocol(protocols: ReadonlySet<string>): string | false {
  if (protocols.has(GRAPHQL_TRANSPORT_WS_PROTOCOL)) return GRAPHQL_TRANSPORT_WS_PROTOCOL;
  return [...protocols][0] ?? false;
}

function findRefusal(req: IncomingMessage, origins: OriginPolicy, retired: boolean): AppError | undefined {
  if (pathOf(req) !== GRAPHQL_PATH) return new AppError('NOT_FOUND', 'There is nothing here');
  if (!origins.allows(req.headers.origin, req.headers.host)) {
    return new AppError('FORBIDDEN', 'This origin may not call the server');
  }
  return retired ? createShuttingDown() : undefined;
}
