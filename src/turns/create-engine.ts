/** Puts the turn engine together. What each part does stands in its own file. */
import type { Listener } from '../db/listener.ts';
import { delay } from '../lib/abort.ts';
import { randomId } from '../lib/ids.ts';
import type { LoggedEvent } from '../types/turn-event.ts';
import type { TurnAssignment } from './assignment.ts';
import { cancelTurn } from './cancel-turn.ts';
import { createContinuity } from './continuity.ts';
import type { TurnEngine } from './engine.ts';
import { selectFollowedMs } from './follow-store.ts';
import { followCounted } from './followers.ts';
import { createForeignFollowers, type ForeignFollowers } from './foreign-followers.ts';
import type { Grace } from './grace.ts';
import { keepLeases } from './leases.ts';
import { createNodeRoom } from './limit-turns.ts';
import { createLiveTurns, type LiveTurns } from './live-turns.ts';
import { obeyStops } from './obey-stops.ts';
import { selectRunningTurn } from './read-store.ts';
import { createTurnReader, type TurnReader } from './read-turns.ts';
import { keepReaping } from './reap-turns.ts';
import { type RunDeps, runTurn } from './run-turn.ts';
import { type StartDeps, startTurn } from './start-turn.ts';
import { STOP_TIMEOUT_MS, type StopDeps, stopTurn, waitForEnd } from './stop-turn.ts';
import { createTurnEnds, type TurnEnds } from './turn-ends.ts';

export type EngineDeps = Omit<
  StartDeps,
  'nodeId' | 'room' | 'disconnectGraceMs' | 'isDraining' | 'launch' | 'supersede'
> &
  Omit<RunDeps, 'giveUp'> & {
    /** Hears what other nodes want. Stays the caller's to dispose, after the engine. */
    readonly listener: Listener;
    /** How long turns that are ended as SHUTDOWN may take to be stored, in milliseconds. */
    readonly shutdownMs?: number;
    /** Grace time of `onDisconnect: CANCEL`, in milliseconds. */
    readonly disconnectGraceMs?: number;
  };

const DISCONNECT_GRACE_MS = 15_000;
const SHUTDOWN_MS = 10_000;
/** What a busy machine may take between two looks at the database without counting as gone. */
const SHORTEST_BREAK_MS = 2_000;

/** What the parts of one engine share. */
interface EngineCore {
  readonly deps: EngineDeps;
  readonly live: LiveTurns;
  readonly ends: TurnEnds;
  readonly stopDeps: StopDeps;
  readonly foreign: ForeignFollowers;
  /** Grace time of `onDisconnect: CANCEL`, in milliseconds. */
  readonly graceMs: number;
  readonly reader: TurnReader;
  /** Aborted when the engine takes no new turns. */
  readonly draining: AbortController;
  /** Aborted when the engine is disposed: turns that still run end now. */
  readonly closing: AbortController;
  /** Aborted when disposal can wait no longer. */
  readonly giveUp: AbortController;
  readonly nodeId: string;
  /** Questions whose acceptance is under way. */
  readonly accepting: Set<Promise<unknown>>;
}

function toGrace({ deps, graceMs }: EngineCore, turnId: string): Grace {
  return {
    ms: graceMs,
    async followedElsewhereMs() {
      try {
        return await deps.database.asWorker((tx) => selectFollowedMs(tx, turnId));
      } catch (error) {
        deps.log.warn({ err: error, turnId }, 'who follows a turn elsewhere could not be read; it goes on');
        return graceMs / 3;
      }
    },
  };
}

function launchTurn(core: EngineCore, job: TurnAssignment, start: LoggedEvent): void {
  const { deps, live, giveUp } = core;
  const { turn, request } = job;
  const lease = { turnId: turn.id, fence: turn.fence };
  live.launch(
    {
      id: turn.id,
      conversationId: turn.conversationId,
      grace: request.onDisconnect === 'CANCEL' ? toGrace(core, turn.id) : null,
      openWriter: (onLost) => deps.eventLog.open(lease, start, onLost),
    },
    (running) => runTurn({ ...deps, giveUp: giveUp.signal }, running, job),
  );
}

function toStartDeps(core: EngineCore): StartDeps {
  return {
    ...core.deps,
    nodeId: core.nodeId,
    room: createNodeRoom(core.deps.config.limits.turnsPerNode, () => core.live.size),
    disconnectGraceMs: core.graceMs,
    isDraining: () => core.draining.signal.aborted,
    launch: (job, start) => launchTurn(core, job, start),
    supersede: (viewer, turn) => {
      const signal = AbortSignal.any([AbortSignal.timeout(STOP_TIMEOUT_MS), core.draining.signal]);
      return stopTurn(core.stopDeps, { turn, stop: { reason: 'SUPERSEDED', actor: viewer.id } }, signal);
    },
  };
}

/** Counts the acceptance as under way until it settles. */
async function tracked<T>(pending: Set<Promise<unknown>>, acceptance: Promise<T>): Promise<T> {
  pending.add(acceptance);
  try {
    return await acceptance;
  } finally {
    pending.delete(acceptance);
  }
}

/**
 * Takes no new turns; those that run here, the ones that are just being accepted among them, go on for at most the grace
 * time and are then ended as SHUTDOWN. Resolves when the last is stored, or given up because it could not be.
 */
async function drain({ deps, live, draining, closing, giveUp, accepting }: EngineCore, graceMs: number) {
  const stopAll = (): void => {
    for (const turn of live.all()) turn.stop('SHUTDOWN');
  };
  draining.abort();
  const accepted = Promise.allSettled(accepting);
  const ended = accepted.then(() => Promise.all(live.all().map((turn) => turn.done)));
  const settled = new AbortController();
  void ended.then(() => settled.abort());
  await delay(graceMs, AbortSignal.any([closing.signal, settled.signal]));
  stopAll();
  await accepted;
  stopAll();
  const timer = setTimeout(() => giveUp.abort(), deps.shutdownMs ?? SHUTDOWN_MS);
  await ended;
  clearTimeout(timer);
}

function createCore(deps: EngineDeps): EngineCore {
  const live = createLiveTurns();
  const ends = createTurnEnds(deps);
  const { disconnectGraceMs: graceMs = DISCONNECT_GRACE_MS } = deps;
  return {
    deps,
    live,
    ends,
    stopDeps: { ...deps, live, ends },
    graceMs,
    foreign: createForeignFollowers({ ...deps, graceMs }),
    reader: createTurnReader(deps),
    draining: new AbortController(),
    closing: new AbortController(),
    giveUp: new AbortController(),
    nodeId: randomId(),
    accepting: new Set(),
  };
}

/** Starts the engine: leases are kept and orphans ended until it is disposed. Disposal ends what runs here as SHUTDOWN. */
export function createEngine(deps: EngineDeps): TurnEngine {
  const core = createCore(deps);
  const { live, stopDeps, reader, closing, nodeId } = core;
  const { leaseMs } = deps.config.turns;
  const startDeps = toStartDeps(core);
  const followerDeps = { ...deps, ...core, stallMs: deps.config.turns.followerStallMs };
  // Leases are kept longer than new turns are taken: what still ends here must not be an orphan to others.
  const finished = new AbortController();
  const accepted = () => Promise.allSettled(core.accepting);
  const obeying = obeyStops({ ...deps, live, accepted });
  const continuity = createContinuity(Math.max(leaseMs / 2, SHORTEST_BREAK_MS));
  const background = Promise.all([
    keepLeases({ ...deps, live, continuity, leaseMs }, finished.signal),
    keepReaping({ ...deps, live, continuity, nodeId, leaseMs }, closing.signal),
  ]);
  return {
    ...reader,
    start: (viewer, input) => tracked(core.accepting, startTurn(startDeps, viewer, input)),
    cancel: (viewer, turnId) => cancelTurn({ ...stopDeps, reader }, viewer, turnId),
    get runningCount() {
      return live.size;
    },
    async follow(viewer, { turnId, begun, after, minIntervalMs = 0 }, signal) {
      const turn = begun ?? (await reader.getStored(viewer, turnId));
      return followCounted(followerDeps, { turn, after, minIntervalMs }, signal);
    },
    async interruptConversation({ id: actor }, conversationId, reason) {
      const turn = await deps.database.asWorker((tx) => selectRunningTurn(tx, conversationId));
      const stop = { reason, actor };
      if (turn) await stopTurn(stopDeps, { turn, stop }, AbortSignal.timeout(STOP_TIMEOUT_MS));
    },
    async wait(viewer, turnId, waitMs) {
      await reader.getStored(viewer, turnId);
      await waitForEnd(stopDeps, turnId, AbortSignal.timeout(waitMs));
      return reader.get(viewer, turnId);
    },
    drain: (graceMs) => drain(core, graceMs),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await drain(core, 0);
      finished.abort();
      obeying[Symbol.dispose]();
      core.ends[Symbol.dispose]();
      await core.foreign[Symbol.asyncDispose]();
      await background;
    },
  };
}
