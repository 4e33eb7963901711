/** One WebSocket: carries protocol messages both ways, at the pace of its reader, and notices when its peer is gone. */

import type { IncomingMessage } from 'node:http';
import type { Server } from 'graphql-ws';
import type { RawData, WebSocket } from 'ws';
import { OVER } from '../lib/abort.ts';
import type { Log } from '../log.ts';
import { BAD_MESSAGE, INTERNAL_ERROR, SLOW_OR_OVERLOADED } from './close-codes.ts';
import { toCredentials } from './credentials.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import type { Excess } from './rate.ts';
import type { Readers } from './readers.ts';
import type { SocketPlace } from './socket-places.ts';
import { type Connection, sweepOperations } from './ws-protocol.ts';

export interface ConnectionOptions {
  readonly protocol: Server<Connection>;
  readonly log: Log;
  readonly readers: Readers;
  readonly keepAliveMs: number;
  readonly stallMs: number;
}

/** What has connected. */
export interface Peer {
  readonly socket: WebSocket;
  /** The upgrade. */
  readonly req: IncomingMessage;
  readonly place: SocketPlace;
}

/** Beyond the rate operations are refused; beyond so many times the rate the socket is. */
const MAX_EXCESS = 2;

/** Serves the socket until it closes; returns the means to close it earlier. */
export function serveConnection(peer: Peer, options: ConnectionOptions): Connection {
  const { socket, req } = peer;
  const { protocol, log, readers } = options;
  const closing = new AbortController();
  const connection = createConnection(peer, closing.signal);
  const outlet = createOutlet(req.socket, {
    stallMs: options.stallMs,
    onStall() {
      readers.countCut('websocket', 'stalled');
      connection.close(SLOW_OR_OVERLOADED, 'The reader is too slow');
    },
  });
  const keepAlive = watchPeer(socket, outlet, options);
  const uncount = readers.add({
    transport: 'websocket',
    socket: req.socket,
    countFollowers: () => connection.operations.size,
  });

  const opened = protocol.opened(
    {
      protocol: socket.protocol,
      send(text) {
        if (socket.readyState !== socket.OPEN) return;
        outlet.cork();
        socket.send(text);
        return outlet.whenRoom();
      },
      close: (code = INTERNAL_ERROR, reason = '') => connection.close(code, reason),
      onMessage: (receive) => receiveMessages(peer, connection, { receive, log }),
    },
    connection,
  );

  socket.on('error', (error) => log.debug({ reason: error.message }, 'WebSocket error'));
  socket.once('close', (code, reason) => {
    clearInterval(keepAlive);
    closing.abort(OVER);
    uncount();
    outlet[Symbol.dispose]();
    abortOperations(connection);
    opened(code, String(reason)).catch((error: unknown) =>
      log.error({ err: error }, 'A WebSocket did not close cleanly'),
    );
  });
  return connection;
}

interface Reception {
  /** The protocol's; rejects for what breaks it. */
  receive(text: string): Promise<void>;
  readonly log: Log;
}

/** Counts what the peer sends, and gives the protocol its messages in their order. */
function receiveMessages({ socket, place }: Peer, connection: Connection, { receive, log }: Reception): void {
  const countMessage = async (length: number): Promise<Excess | undefined> => {
    const excess = await place.countMessage(length);
    if (excess && excess.times > MAX_EXCESS) connection.close(SLOW_OR_OVERLOADED, 'Too many messages');
    return excess;
  };
  const deliver = async (message: RawData, isBinary: boolean): Promise<void> => {
    if (isBinary) return connection.close(BAD_MESSAGE, 'Messages are text');
    const text = String(message);
    try {
      const excess = await countMessage(text.length);
      // What a peer still sends that is on its way out begins nothing.
      if (socket.readyState !== socket.OPEN) return;
      connection.excess = excess;
      const received = receive(text);
      sweepOperations(connection.operations);
      await received;
      sweepOperations(connection.operations);
    } catch (error) {
      if (isUnexpectedMessage(error)) return connection.close(BAD_MESSAGE, 'Invalid message received');
      log.error({ err: error }, 'A WebSocket message failed');
      connection.close(INTERNAL_ERROR, 'Internal server error');
    }
  };
  const countFrame = ({ length }: Buffer): void => void countMessage(length);
  socket.on('message', (message, isBinary) => void deliver(message, isBinary));
  socket.on('ping', countFrame).on('pong', countFrame);
}

function createConnection({ socket, req, place }: Peer, closed: AbortSignal): Connection {
  const connection: Connection = {
    credentials: toCredentials(req),
    closed,
    place,
    operations: new Map(),
    close(code, reason) {
      socket.close(code, reason);
      abortOperations(connection);
    },
  };
  return connection;
}

function abortOperations({ operations }: Connection): void {
  for (const { controller } of operations.values()) controller.abort(OVER);
}

/** A peer that leaves a ping unanswered is gone within twice the interval. While bytes wait, the outlet judges it. */
function watchPeer(
  socket: WebSocket,
  outlet: Outlet,
  { keepAliveMs, readers }: Pick<ConnectionOptions, 'keepAliveMs' | 'readers'>,
): NodeJS.Timeout {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  return setInterval(() => {
    if (socket.bufferedAmount > 0) return;
    if (!answered) {
      readers.countCut('websocket', 'silent');
      return socket.terminate();
    }
    answered = false;
    // As any other write: the ping may be what finds no room.
    outlet.cork();
    socket.ping();
  }, keepAliveMs);
}

/** A message that only servers send; the protocol throws it. */
function isUnexpectedMessage(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Unexpected message');
}
