/** Ends a running turn from outside, wherever it runs, and waits until it has ended. */
import type { Database } from '../db/client.ts';
import { delay, orAborted } from '../lib/abort.ts';
import type { InterruptReason, Turn } from '../types/turn.ts';
import type { LiveTurns } from './live-turns.ts';
import { selectStored } from './read-store.ts';
import { requestStop } from './store.ts';

export interface StopDeps {
  readonly database: Database;
  readonly live: LiveTurns;
}

/** Longest wait in milliseconds for a turn to end after it was asked to. */
export const STOP_TIMEOUT_MS = 30_000;
const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 500;

/** Resolves when the turn has ended (on this node: when it is sealed) or the signal is aborted. */
export async function waitForEnd(deps: StopDeps, turnId: string, signal: AbortSignal): Promise<void> {
  const local = deps.live.find(turnId);
  if (local) await orAborted(local.done, signal);
  let wait = FIRST_POLL_MS;
  while (!signal.aborted) {
    const turn = await deps.database.asWorker((tx) => selectStored(tx, turnId));
    if (turn?.status !== 'RUNNING') return;
    await delay(wait, signal);
    wait = Math.min(wait * 2, LONGEST_POLL_MS);
  }
}

/** A turn of this node stops at once; one of another node when its owner renews the lease. */
export async function stopTurn(
  deps: StopDeps,
  stop: { readonly turn: Pick<Turn, 'id'>; readonly reason: InterruptReason },
  signal: AbortSignal,
): Promise<void> {
  const { turn, reason } = stop;
  const local = deps.live.find(turn.id);
  if (local) local.stop(reason);
  else await deps.database.asWorker((tx) => requestStop(tx, turn.id, reason), 'stop');
  await waitForEnd(deps, turn.id, signal);
}
