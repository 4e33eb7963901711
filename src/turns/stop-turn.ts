/** Ends a running turn from outside, wherever it runs, and waits until it has ended. */
import type { Database } from '../db/client.ts';
import { orAborted } from '../lib/abort.ts';
import type { Log } from '../log.ts';
import type { Turn, TurnStop } from '../types/turn.ts';
import { requestStop } from './lease-store.ts';
import type { LiveTurns } from './live-turns.ts';
import type { TurnEnds } from './turn-ends.ts';

export interface StopDeps {
  readonly database: Database;
  readonly live: LiveTurns;
  readonly ends: Pick<TurnEnds, 'wait'>;
  readonly log: Log;
}

/** Longest wait in milliseconds for a turn to end after it was asked to. */
export const STOP_TIMEOUT_MS = 30_000;

/** Resolves when the turn has ended (on this node: when it is sealed) or the signal is aborted. */
export async function waitForEnd(deps: StopDeps, turnId: string, signal: AbortSignal): Promise<void> {
  const local = deps.live.find(turnId);
  if (local) await orAborted(local.done, signal);
  await deps.ends.wait(turnId, signal);
}

/** Stops the turn at once, on whatever node it runs; the first who wants it is the one who stopped it. */
export async function stopTurn(
  deps: StopDeps,
  { turn, stop }: { readonly turn: Pick<Turn, 'id'>; readonly stop: TurnStop },
  signal: AbortSignal,
): Promise<void> {
  const { reason, actor } = stop;
  deps.log.info({ turnId: turn.id, reason, actor }, 'a turn is asked to stop');
  const local = deps.live.find(turn.id);
  if (local) local.stop(reason, actor);
  else await deps.database.asWorker((tx) => requestStop(tx, turn.id, stop), 'stop');
  await waitForEnd(deps, turn.id, signal);
}
