/** The readers that have a stream, a socket or an answer open here, counted for the metrics with what waits for them. Cuts nobody itself. */
import type { Socket } from 'node:net';
import type { ObserverMetrics, ReaderMetrics } from '../metrics.ts';

/** `http`: an answer that is not a stream. */
export type Transport = 'websocket' | 'sse' | 'multipart' | 'http';

export interface Reader {
  readonly transport: Transport;
  readonly socket: Pick<Socket, 'writableLength'>;
  /** Operations that it has open at the moment. */
  readonly countFollowers: () => number;
}

export interface Readers {
  /** Counts the reader until the returned function is called. */
  add(reader: Reader): () => void;
  /** One was given up: it took nothing for too long, or answered no ping. */
  countCut(transport: Transport, reason: 'stalled' | 'silent'): void;
}

export function createReaders(metrics: ObserverMetrics & ReaderMetrics): Readers {
  const readers = new Set<Reader>();
  const sum = (read: (reader: Reader) => number) => (): Readonly<Record<Transport, number>> => {
    const sums = { websocket: 0, sse: 0, multipart: 0, http: 0 };
    for (const reader of readers) sums[reader.transport] += read(reader);
    return sums;
  };
  metrics.observeEach(
    {
      name: 'millrace_followers',
      help: 'Streams, WebSocket operations and answers that are under way on this node',
      label: 'transport',
    },
    sum((reader) => reader.countFollowers()),
  );
  metrics.observeEach(
    {
      name: 'millrace_waiting_bytes',
      help: 'Bytes written that their readers have not taken',
      label: 'transport',
    },
    sum((reader) => reader.socket.writableLength),
  );
  return {
    add(reader) {
      readers.add(reader);
      return () => void readers.delete(reader);
    },
    countCut: (transport, reason) => metrics.readerCut({ transport, reason }),
  };
}
