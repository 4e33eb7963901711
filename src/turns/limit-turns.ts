/** How many turns may run at once: of one viewer over all nodes, and on this node. The SQL is in limit-store.ts. */
import type { ViewerTx } from '../db/client.ts';
import { AppError } from '../errors.ts';
import { countRunningTurns } from './limit-store.ts';

/** By then one of those that run may have ended. */
const RETRY_MS = 1_000;

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
 * For a transaction that has just inserted a turn: it counts among those that run. Throws TOO_MANY_STREAMS when the viewer
 * has more than the limit; until the transaction ends no other one of theirs gets its answer.
 */
export async function requireRoomForViewer(tx: ViewerTx, limit: number): Promise<void> {
  if ((await countRunningTurns(tx)) <= limit) return;
  throw tooMany(`${limit} turns of yours are running; wait for one to end, or cancel it`);
}

function tooMany(explanation: string): AppError {
  return new AppError('TOO_MANY_STREAMS', 'Too many turns run at once', {
    details: { explanation, retryAfterMs: RETRY_MS },
  });
}
