/** Keeps this node's right to its turns: renews their leases, and passes on what others want stopped. */
import type { Database } from '../db/client.ts';
import { delay } from '../lib/abort.ts';
import { watchPauses } from '../lib/pauses.ts';
import type { Log } from '../log.ts';
import type { TurnStop } from '../types/turn.ts';
import type { Continuity } from './continuity.ts';
import { renewLeases } from './lease-store.ts';
import type { LiveTurn, LiveTurns } from './live-turns.ts';

export interface LeaseDeps {
  readonly database: Database;
  readonly live: LiveTurns;
  readonly log: Log;
  readonly continuity: Pick<Continuity, 'broken'>;
  readonly leaseMs: number;
}

const RENEWALS_PER_LEASE = 3;
/** After a renewal that failed. */
const RETRY_MS = 1_000;

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
  const renewed = await database.keeper.asWorker((tx) => renewLeases(tx, leases, leaseMs), 'renew');
  for (const turn of turns) passOn(turn, renewed);
}

/**
 * Renews until the signal is aborted: three times per lease, sooner after a failure, and at once after the process stood
 * still, since others may have taken its turns meanwhile. While the database is away the leases run on: a turn is only
 * lost to somebody.
 */
export async function keepLeases(deps: LeaseDeps, signal: AbortSignal): Promise<void> {
  const { leaseMs, log, continuity } = deps;
  const regular = leaseMs / RENEWALS_PER_LEASE;
  let nap = new AbortController();
  let pause = regular;
  using _pauses = watchPauses({
    longestMs: regular,
    onPause(pausedMs) {
      log.warn({ pausedMs }, 'the process stood still; its leases are renewed at once');
      continuity.broken();
      nap.abort();
    },
  });
  while (!signal.aborted) {
    await delay(pause, AbortSignal.any([signal, nap.signal]));
    if (signal.aborted) return;
    // Before the renewal: when the process stands still during it, its answer is an old one.
    nap = new AbortController();
    pause = regular;
    try {
      await renewAll(deps);
    } catch (error) {
      continuity.broken();
      pause = Math.min(regular, RETRY_MS);
      log.warn({ err: error }, 'leases could not be renewed; it is tried again');
    }
  }
}
