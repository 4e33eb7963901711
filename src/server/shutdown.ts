/** How the server stops: politely first, within a bound. */
import type { Server } from 'node:http';
import { delay } from '../lib/abort.ts';

/** How long answers that are under way may take. */
const GRACE_MS = 5_000;

export interface ClosingDeps {
  readonly server: Server;
  /** Tells all streams to end. */
  drain(): Promise<void>;
  /** Cuts the sockets that the HTTP server no longer knows. */
  terminate(): void;
}

/** Resolves when the listener and every connection are closed, at most five seconds and a moment after the call. */
export async function closeServer({ server, drain, terminate }: ClosingDeps): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const ended = new AbortController();
  await drain();
  server.closeIdleConnections();
  await Promise.race([closed, delay(GRACE_MS, ended.signal)]);
  ended.abort();
  terminate();
  server.closeAllConnections();
  await closed;
}
