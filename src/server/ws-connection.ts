/** One WebSocket: carries protocol messages both ways, at the pace of its reader, and notices when its peer is gone. */
import type { IncomingMessage } from 'node:http';
import type { Server } from 'graphql-ws';
import type { RawData, WebSocket } from 'ws';
import type { Log } from '../log.ts';
import { BAD_MESSAGE, INTERNAL_ERROR, SLOW_OR_OVERLOADED } from './close-codes.ts';
import { toCredentials } from './credentials.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import type { Readers } from './readers.ts';
import { type Connection, sweepOperations } from './ws-protocol.ts';

export interface ConnectionOptions {
  readonly protocol: Server<Connection>;
  readonly log: Log;
  readonly readers: Readers;
  readonly keepAliveMs: number;
  readonly stallMs: number;
}

/** Serves the socket until it closes; returns the means to close it earlier. */
export function serveConnection(
  socket: WebSocket,
  req: IncomingMessage,
  options: ConnectionOptions,
): Connection {
  const { protocol, log, readers } = options;
  const closing = new AbortController();
  const connection = createConnection(socket, req, closing.signal);
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
      onMessage: (receive) =>
        socket.on('message', (message, isBinary) => void deliver(receive, message, isBinary)),
    },
    connection,
  );

  const deliver = async (receive: (text: string) => Promise<void>, message: RawData, isBinary: boolean) => {
    if (isBinary) return connection.close(BAD_MESSAGE, 'Messages are text');
    try {
      const received = receive(String(message));
      sweepOperations(connection.operations);
      await received;
      sweepOperations(connection.operations);
    } catch (error) {
      if (isUnexpectedMessage(error)) return connection.close(BAD_MESSAGE, 'Invalid message received');
      log.error({ err: error }, 'A WebSocket message failed');
      connection.close(INTERNAL_ERROR, 'Internal server error');
    }
  };

  socket.on('error', (error) => log.debug({ reason: error.message }, 'WebSocket error'));
  socket.once('close', (code, reason) => {
    clearInterval(keepAlive);
    closing.abort();
    uncount();
    outlet[Symbol.dispose]();
    abortOperations(connection);
    opened(code, String(reason)).catch((error: unknown) =>
      log.error({ err: error }, 'A WebSocket did not close cleanly'),
    );
  });
  return connection;
}

function createConnection(socket: WebSocket, req: IncomingMessage, closed: AbortSignal): Connection {
  const connection: Connection = {
    credentials: toCredentials(req),
    closed,
    operations: new Map(),
    close(code, reason) {
      socket.close(code, reason);
      abortOperations(connection);
    },
  };
  return connection;
}

function abortOperations({ operations }: Connection): void {
  for (const { controller } of operations.values()) controller.abort();
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
