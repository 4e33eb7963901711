/** The event log of one node of a test, and listeners that hear as little as a test wants. */
import { Registry } from 'prom-client';
import type { Listener } from '../../src/db/listener.ts';
import { createLogMetrics } from '../../src/event-log/metrics.ts';
import { createPostgresLog, type PostgresLogDeps } from '../../src/event-log/postgres.ts';
import { createLog } from '../../src/log.ts';

export type NodeListener = PostgresLogDeps['listener'];

/** Believes that it is connected, and hears nothing. */
export const DEAF: Listener = {
  isConnected: true,
  listen: () => ({ [Symbol.dispose]: () => undefined }),
  [Symbol.asyncDispose]: async () => {},
};

/** Hears what the listener hears, and tells how much that was. */
export function countMessages(listener: Listener): NodeListener & { readonly count: number } {
  let count = 0;
  return {
    get count() {
      return count;
    },
    get isConnected() {
      return listener.isConnected;
    },
    listen: (channel, subscriber) =>
      listener.listen(channel, {
        ...subscriber,
        onMessage(payload) {
          count += 1;
          subscriber.onMessage(payload);
        },
      }),
  };
}

type NodeLogOptions = Pick<PostgresLogDeps, 'database'> & Partial<PostgresLogDeps>;

/** Flushes and looks as often as it can, unless it is told otherwise. */
export function createNodeLog(options: NodeLogOptions) {
  return createPostgresLog({
    listener: DEAF,
    log: createLog('silent'),
    metrics: createLogMetrics(new Registry()),
    flushMs: 1,
    durability: 'async',
    pollMs: 1,
    slowPollMs: 1,
    ...options,
  });
}
