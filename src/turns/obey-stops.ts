/** Carries out at once what other nodes want of the turns of this one. The renewal of leases stands behind it. */
import type { Database } from '../db/client.ts';
import type { Listener } from '../db/listener.ts';
import type { Log } from '../log.ts';
import { STOPS_CHANNEL, selectStops } from './lease-store.ts';
import type { LiveTurns } from './live-turns.ts';

export interface ObeyDeps {
  readonly database: Database;
  readonly live: LiveTurns;
  /** Stays the caller's to dispose. */
  readonly listener: Listener;
  readonly log: Log;
  /** Settles when what is just being accepted here runs: another node may know of a turn before its own does. */
  accepted(): Promise<unknown>;
}

/** Listens until disposed; one statement is under way at a time, for all turns that run here. */
export function obeyStops(deps: ObeyDeps): Disposable {
  const { live, listener, log } = deps;
  let isLooking = false;
  let isDue = false;

  const look = async (): Promise<void> => {
    isDue = true;
    if (isLooking) return;
    isLooking = true;
    try {
      while (isDue && live.size > 0) {
        isDue = false;
        await obey(deps);
      }
    } catch (error) {
      log.warn(
        { err: error },
        'what is to be stopped could not be read; the next renewal of leases tells it',
      );
    }
    isLooking = false;
  };
  return listener.listen(STOPS_CHANNEL, {
    onConnect: () => void look(),
    onMessage(turnId) {
      if (live.find(turnId)) void look();
      else void deps.accepted().then(() => live.find(turnId) && look());
    },
  });
}

async function obey({ database, live }: ObeyDeps): Promise<void> {
  const leases = live.all().map((turn) => turn.writer.lease);
  const stops = await database.keeper.asWorker((tx) => selectStops(tx, leases));
  for (const [turnId, { reason, actor }] of stops) live.find(turnId)?.stop(reason, actor);
}
