/** Ends the turns of nodes that are gone: each exactly once, with the text that they had stored. */
import type { Database, WorkerTx } from '../db/client.ts';
import { isAppError } from '../errors.ts';
import { encodeEvents } from '../event-log/codec.ts';
import type { EventLog, TurnLease } from '../event-log/event-log.ts';
import { delay } from '../lib/abort.ts';
import type { CountTokens } from '../lib/count-tokens.ts';
import type { Log } from '../log.ts';
import type { TurnMetrics } from '../metrics.ts';
import type { LoggedEvent } from '../types/turn-event.ts';
import { announceTurn } from './announce-turn.ts';
import { toChargedUsage } from './charged-usage.ts';
import type { Continuity } from './continuity.ts';
import { type Ending, toEndedTurn, toTerminalBody } from './ending.ts';
import { type FinishDeps, sealTurn, withoutDetails } from './finish-turn.ts';
import { claimOrphan, type Orphan, selectOrphans, tryLockOrphan } from './lease-store.ts';
import type { LiveTurns } from './live-turns.ts';
import type { SealedTurn } from './store.ts';
import { summarizeLog } from './summarize-log.ts';

export interface ReapDeps extends Pick<FinishDeps, 'followUp' | 'announce'> {
  readonly database: Database;
  readonly eventLog: EventLog;
  readonly live: LiveTurns;
  readonly log: Log;
  readonly metrics: Pick<TurnMetrics, 'turnReaped'>;
  readonly continuity: Continuity;
  readonly nodeId: string;
  readonly leaseMs: number;
  readonly countTokens: CountTokens;
  /** How often an orphan could not be ended here, by its id. */
  readonly failures: Map<string, number>;
}

/** Orphans that are looked at in one sweep. */
const SWEEP_LIMIT = 100;
/** Sweeps per lease: an orphan waits at most a lease and a fifth. */
const SWEEPS_PER_LEASE = 5;
/** As often it is tried to keep everything of an orphan. What the database will not take must not keep it running for ever. */
const WHOLE_ATTEMPTS = 3;
/** Orphans that are ended side by side: each takes one of the keeper's connections. */
const REAPERS = 3;

interface Reaped {
  readonly sealed: SealedTurn;
  readonly news: TurnLease & { readonly seq: number };
}

async function endOrphan(
  deps: ReapDeps,
  tx: WorkerTx,
  { turn, stop, inputEstimate, atMs }: Orphan & { readonly atMs: number },
): Promise<Reaped | undefined> {
  const { eventLog, countTokens } = deps;
  const lease = { turnId: turn.id, fence: turn.fence };
  const { events, lastSeq, isDamaged } = await eventLog.readAll(tx, turn.id);
  if (isDamaged)
    deps.log.error(
      { turnId: turn.id },
      'the log of an orphaned turn is damaged; it ends with what is before',
    );
  const whole = summarizeLog(events);
  const told = (deps.failures.get(turn.id) ?? 0) < WHOLE_ATTEMPTS ? whole : withoutDetails(whole);
  const usage = toChargedUsage(told, {
    estimateInput: () => inputEstimate ?? countTokens(turn.query),
    contextWindow: Number.POSITIVE_INFINITY,
    countTokens,
  });
  const summary = { ...told, usage };
  const ending: Ending = { kind: 'interrupted', ...(stop ?? { reason: 'SERVER_LOST', actor: null }) };
  const seq = lastSeq + 1;
  const at = { turnId: turn.id, epoch: lease.fence, fromSeq: seq, seq, at: Math.round(atMs) };
  const terminal: LoggedEvent = { ...toTerminalBody(ending, summary), ...at };
  const batch = { ...lease, firstSeq: seq, lastSeq: seq, events: encodeEvents([terminal]) };
  await eventLog.recordEpoch(tx, lease, seq);
  const ended = toEndedTurn(ending, summary, seq);
  const sealed = await sealTurn(deps, tx, { lease, ended, batches: [batch] });
  return sealed && { sealed, news: { ...lease, seq } };
}

/**
 * A node that has just come back may claim nothing: owners that lost the database at the same moment get the time to renew,
 * and whoever slept first learns what time it is.
 */
function mayClaim({ continuity, leaseMs }: ReapDeps, atMs: number): boolean {
  return continuity.reached(atMs) >= leaseMs;
}

/** Ends one orphan in one transaction; false when another node is at it or was first, or its owner came back. */
async function reapOne(deps: ReapDeps, turnId: string): Promise<boolean> {
  const reaped = await deps.database.keeper.asWorker(async (tx) => {
    const atMs = await tryLockOrphan(tx, turnId);
    if (atMs === undefined || !mayClaim(deps, atMs)) return undefined;
    const orphan = await claimOrphan(tx, turnId, deps.nodeId);
    return orphan && endOrphan(deps, tx, { ...orphan, atMs });
  }, 'reap');
  if (!reaped) return false;
  const { sealed, news } = reaped;
  deps.eventLog.announce(news);
  announceTurn(deps.announce, sealed);
  deps.metrics.turnReaped(sealed);
  deps.log.warn({ turnId }, 'ended a turn whose node is gone');
  return true;
}

/** One that cannot be ended must not keep the others from their end. */
async function tryReap(deps: ReapDeps, turnId: string): Promise<boolean> {
  try {
    const isReaped = await reapOne(deps, turnId);
    deps.failures.delete(turnId);
    return isReaped;
  } catch (error) {
    if (isAppError(error, 'DEPENDENCY_UNAVAILABLE')) throw error;
    deps.failures.set(turnId, (deps.failures.get(turnId) ?? 0) + 1);
    deps.log.error({ err: error, turnId }, 'an orphaned turn could not be ended; it is tried again');
    return false;
  }
}

/** Ends the orphans, a few at a time, and resolves with how many it ended. */
async function reapAll(deps: ReapDeps, orphans: readonly string[]): Promise<number> {
  const left = orphans.values();
  let ended = 0;
  const reapNext = async (): Promise<void> => {
    for (const turnId of left) if (await tryReap(deps, turnId)) ended += 1;
  };
  const reapers = Array.from({ length: REAPERS }, reapNext);
  const failed = (await Promise.allSettled(reapers)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  return ended;
}

export interface Swept {
  readonly ended: number;
  /** Milliseconds until this node may claim; 0: it may. */
  readonly waitMs: number;
}

/** One sweep. Throws DEPENDENCY_UNAVAILABLE. */
async function reapTurns(deps: ReapDeps): Promise<Swept> {
  const options = { running: deps.live.ids, limit: SWEEP_LIMIT };
  const { atMs, orphans } = await deps.database.keeper.asWorker((tx) => selectOrphans(tx, options), 'sweep');
  // What is none any more was ended by another node.
  for (const turnId of deps.failures.keys()) if (!orphans.includes(turnId)) deps.failures.delete(turnId);
  const waitMs = Math.max(0, deps.leaseMs - deps.continuity.reached(atMs));
  return { waitMs, ended: waitMs > 0 ? 0 : await reapAll(deps, orphans) };
}

/** The pause until the next sweep: none while there is more to end, and not beyond the moment from which on this node may claim. */
function toPause({ ended, waitMs }: Swept, leaseMs: number): number {
  if (ended === SWEEP_LIMIT) return 0;
  const regular = leaseMs / SWEEPS_PER_LEASE;
  return waitMs > 0 ? Math.min(regular, waitMs) : regular;
}

/** Sweeps until the signal is aborted. */
export async function keepReaping(reaper: Omit<ReapDeps, 'failures'>, signal: AbortSignal): Promise<void> {
  const deps: ReapDeps = { ...reaper, failures: new Map() };
  while (!signal.aborted) {
    let pause = deps.leaseMs / SWEEPS_PER_LEASE;
    try {
      pause = toPause(await reapTurns(deps), deps.leaseMs);
    } catch (error) {
      deps.continuity.broken();
      deps.log.warn({ err: error }, 'orphaned turns could not be looked for; it is tried again');
    }
    await delay(pause, signal);
  }
}
