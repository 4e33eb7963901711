/** Keeps this node's right to its turns: renews their leases, and passes on what others want stopped. */
import type { Database } from '../db/client.ts';
import { delay } from '../lib/abort.ts';
import type { Log } from '../log.ts';
import type { TurnStop } from '../types/turn.ts';
import { renewLeases } from './lease-store.ts';
import type { LiveTurn, LiveTurns } from './live-turns.ts';

export interface LeaseDeps {
  readonly database: Database;
  readonly live: LiveTurns;
  readonly log: Log;
  readonly leaseMs: number;
}

function passOn(turn: LiveTurn, renewed: ReadonlyMap<string, TurnStop | null>): void {
  const stop = renewed.get(turn.id);
  // A turn that is being sealed is absent too: its writer finds out by itself whose it is.
  if (stop === undefined && !turn.writer.sealing) turn.lose();
  else if (stop) turn.stop(stop.reason, stop.actor);
}

/** One renewal of everything that runs here. */
export async function renewAll({ database, live, leaseMs }: LeaseDeps): Promise<void> {
  const turns = live.all();
  if (turns.length === 0) return;
  const leases = turns.map((turn) => turn.writer.lease);
  const renewed = await database.asWorker((tx) => renewLeases(tx, leases, leaseMs), 'renew');
  for (const turn of turns) passOn(turn, renewed);
}

/** Renews three times per lease until the signal is aborted. While the database is away the leases run on: a turn is only lost to somebody. */
export async function keepLeases(deps: LeaseDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(deps.leaseMs / 3, signal);
    if (signal.aborted) return;
    try {
      await renewAll(deps);
    } catch (error) {
      deps.log.warn({ err: error }, 'leases could not be renewed; it is tried again');
    }
  }
}
