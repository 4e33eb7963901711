/** How many turns may run at once: of one viewer over all nodes, and on this node. The SQL is in limit-store.ts. */
import type { ViewerTx } from '../db/client.ts';
import { AppError } from '../errors.ts';
import { lockRunningTurns, selectRunningTurns } from './limit-store.ts';

/** By then one of those that run may have ended. */
const RETRY_MS = 1_000;

/** With lower limits nobody is ever far from them. */
const CROWD = 50;

export interface NodeRoom {
  /** Room for one more turn, until it is disposed or the turn is counted as running. Throws TOO_MANY_STREAMS. */
  take(): Disposable;
}

export function createNodeRoom(limit: number, countRunning: () => number): NodeRoom {
  let taken = 0;
  return {
    take() {
      if (countRunning() + taken >= limit) {
        throw tooMany(`This node runs ${limit} turns, which is all that it takes`);
      }
      taken += 1;
      return {
        [Symbol.dispose]: () => {
          taken -= 1;
        },
      };
    },
  };
}

/**
 * Whether the viewer has so few turns that others that are about to be committed can be left out of account: then questions of
 * a service that asks for many do not wait for each other.
 */
export async function isFarFromLimit(tx: ViewerTx, limit: number): Promise<boolean> {
  if (limit <= CROWD) return false;
  const { running, transactions } = await selectRunningTurns(tx);
  return running + 2 * transactions <= limit;
}

/**
 * For a transaction that has just inserted a turn: it counts among those that run. Throws TOO_MANY_STREAMS when the viewer
 * has more than the limit. Who is not far from it waits for their other questions until these are accepted or refused.
 */
export async function requireRoomForViewer(
  tx: ViewerTx,
  { limit, isFar }: { readonly limit: number; readonly isFar: boolean },
): Promise<void> {
  const { running, transactions } = await lockRunningTurns(tx, isFar ? 'together' : 'alone');
  // Those that are together do not see each other: there are at most as many as the Postgres has transactions.
  if (running + (isFar ? transactions : 0) <= limit) return;
  throw tooMany(`${limit} turns of yours are running; wait for one to end, or cancel it`);
}

function tooMany(explanation: string): AppError {
  return new AppError('TOO_MANY_STREAMS', 'Too many turns run at once', {
    details: { explanation, retryAfterMs: RETRY_MS },
  });
}
