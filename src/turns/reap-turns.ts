/** Ends the turns of nodes that are gone: each exactly once, with the text that they had stored. */
import type { Database, WorkerTx } from '../db/client.ts';
import { isAppError } from '../errors.ts';
import { encodeEvents } from '../event-log/codec.ts';
import type { EventLog, TurnLease } from '../event-log/event-log.ts';
import { delay } from '../lib/abort.ts';
import type { Log } from '../log.ts';
import type { LoggedEvent } from '../types/turn-event.ts';
import { announceTurn } from './announce-turn.ts';
import { type Ending, toEndedTurn, toTerminalBody } from './ending.ts';
import { type FinishDeps, sealTurn } from './finish-turn.ts';
import { claimOrphan, type Orphan, selectOrphans } from './lease-store.ts';
import type { LiveTurns } from './live-turns.ts';
import { lockConversationOf, type SealedTurn } from './store.ts';
import { summarizeLog } from './summarize-log.ts';

export interface ReapDeps extends Pick<FinishDeps, 'followUp' | 'announce'> {
  readonly database: Database;
  readonly eventLog: EventLog;
  readonly live: LiveTurns;
  readonly log: Log;
  readonly nodeId: string;
  readonly leaseMs: number;
}

/** Orphans that are looked at in one sweep. */
const SWEEP_LIMIT = 100;
/** Sweeps per lease: an orphan waits at most a lease and a fifth. */
const SWEEPS_PER_LEASE = 5;

interface Reaped {
  readonly sealed: SealedTurn;
  readonly news: TurnLease & { readonly seq: number };
}

async function endOrphan(deps: ReapDeps, tx: WorkerTx, { turn, stop }: Orphan): Promise<Reaped | undefined> {
  const { eventLog } = deps;
  const lease = { turnId: turn.id, fence: turn.fence };
  const events = await eventLog.readAll(tx, turn.id);
  const summary = summarizeLog(events);
  const ending: Ending = { kind: 'interrupted', ...(stop ?? { reason: 'SERVER_LOST', actor: null }) };
  const seq = (events.at(-1)?.seq ?? 0) + 1;
  const at = { turnId: turn.id, epoch: lease.fence, fromSeq: seq, seq, at: Date.now() };
  const terminal: LoggedEvent = { ...toTerminalBody(ending, summary), ...at };
  const batch = { ...lease, firstSeq: seq, lastSeq: seq, events: encodeEvents([terminal]) };
  await eventLog.recordEpoch(tx, lease, seq);
  const ended = toEndedTurn(ending, summary, seq);
  const sealed = await sealTurn(deps, tx, { lease, ended, batches: [batch] });
  return sealed && { sealed, news: { ...lease, seq } };
}

/** Ends one orphan in one transaction; false when another node was first or its owner came back. */
async function reapOne(deps: ReapDeps, turnId: string): Promise<boolean> {
  const reaped = await deps.database.asWorker(async (tx) => {
    await lockConversationOf(tx, turnId);
    const orphan = await claimOrphan(tx, turnId, deps.nodeId);
    return orphan && endOrphan(deps, tx, orphan);
  }, 'reap');
  if (!reaped) return false;
  deps.eventLog.announce(reaped.news);
  announceTurn(deps.announce, reaped.sealed);
  return true;
}

/** One that cannot be ended must not keep the others from their end. */
async function tryReap(deps: ReapDeps, turnId: string): Promise<boolean> {
  try {
    return await reapOne(deps, turnId);
  } catch (error) {
    if (isAppError(error, 'DEPENDENCY_UNAVAILABLE')) throw error;
    deps.log.error({ err: error, turnId }, 'an orphaned turn could not be ended; it is tried again');
    return false;
  }
}

/** One sweep; resolves with the number of turns it ended. */
export async function reapTurns(deps: ReapDeps): Promise<number> {
  const options = { running: deps.live.ids, limit: SWEEP_LIMIT };
  const orphans = await deps.database.asWorker((tx) => selectOrphans(tx, options), 'sweep');
  let ended = 0;
  for (const turnId of orphans) {
    if (!(await tryReap(deps, turnId))) continue;
    ended += 1;
    deps.log.warn({ turnId }, 'ended a turn whose node is gone');
  }
  return ended;
}

/**
 * Sweeps until the signal is aborted. After a sweep that failed it waits a whole lease: owners that lost the database
 * at the same moment get the time to renew before anybody takes their turns for orphans.
 */
export async function keepReaping(deps: ReapDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let pause = deps.leaseMs / SWEEPS_PER_LEASE;
    try {
      await reapTurns(deps);
    } catch (error) {
      deps.log.warn({ err: error }, 'orphaned turns could not be looked for; it is tried again');
      pause = deps.leaseMs;
    }
    await delay(pause, signal);
  }
}
