/** What a follower receives: replay from its cursor, then live. First subscriber, reconnect and second tab are the same code. */
import type { Database } from '../db/client.ts';
import { AppError, isAppError } from '../errors.ts';
import type { EventLog, LogPosition, ReadStep } from '../event-log/event-log.ts';
import { delay } from '../lib/abort.ts';
import { parseCursor } from '../lib/cursor.ts';
import type { Turn } from '../types/turn.ts';
import { isTerminal, type TurnEvent } from '../types/turn-event.ts';
import { mergeDeltas } from './merge-deltas.ts';
import { paceDeltas } from './pace-deltas.ts';
import { selectDocuments, selectStored } from './read-store.ts';
import { toStoredEvents } from './stored-events.ts';

export interface FollowDeps {
  readonly database: Database;
  readonly eventLog: EventLog;
  /** Longest time in milliseconds for which a follower is kept while the log cannot be read. */
  readonly stallMs: number;
}

export interface FollowOptions {
  readonly turn: Turn;
  readonly after?: string | undefined;
  readonly minIntervalMs: number;
}

const RETRY_MS = 500;
/** A reader that takes longer over a batch is behind. Far more than a page of a replay costs, even on a busy node. */
const BEHIND_MS = 1_000;

function toInvalid(message: string): AppError {
  return new AppError('CURSOR_INVALID', message, {
    details: { explanation: 'Follow the turn without a cursor to receive all of it' },
  });
}

const toBeyond = (): AppError => toInvalid('The cursor is beyond the end of this turn');

function toStartPosition(deps: FollowDeps, turn: Turn, after: string | undefined): LogPosition {
  if (after === undefined) return { turnId: turn.id, epoch: 0, seq: 0 };
  const cursor = parseCursor(after);
  if (!cursor || cursor.turnId !== turn.id || cursor.epoch > turn.fence || cursor.epoch < 1) {
    throw toInvalid('The cursor is not one of this turn');
  }
  const lastSeq = turn.status === 'RUNNING' ? deps.eventLog.lastSeq(turn.id) : turn.lastSeq;
  if (cursor.epoch === turn.fence && lastSeq !== undefined && cursor.seq > lastSeq) {
    throw toBeyond();
  }
  return cursor;
}

/** Reads on although the database comes and goes, for at most `stallMs`. */
async function readPatiently(
  deps: FollowDeps,
  position: LogPosition,
  signal: AbortSignal,
): Promise<ReadStep | undefined> {
  const deadline = performance.now() + deps.stallMs;
  for (;;) {
    try {
      return await deps.eventLog.read(position, signal);
    } catch (error) {
      if (!isAppError(error, 'DEPENDENCY_UNAVAILABLE') || performance.now() >= deadline) throw error;
      await delay(RETRY_MS, signal);
    }
  }
}

function toReset(step: Extract<ReadStep, { kind: 'reset' }>, turnId: string): TurnEvent {
  const { afterSeq, epoch } = step;
  return {
    type: 'reset',
    discardAfterSeq: afterSeq,
    turnId,
    epoch,
    fromSeq: afterSeq,
    seq: afterSeq,
    at: Date.now(),
  };
}

/**
 * The events of an ended turn whose log is gone, made from its row: for those who have seen nothing of it yet, and for those
 * who saw it running, whose terminal event went when the conversation was deleted.
 */
async function replaceExpired(
  deps: FollowDeps,
  turn: Turn,
  position: LogPosition,
): Promise<readonly TurnEvent[]> {
  const wasRunning = turn.status === 'RUNNING';
  const ended = wasRunning ? await deps.database.asWorker((tx) => selectStored(tx, turn.id)) : turn;
  if (!ended || ended.status === 'RUNNING' || (position.seq > 0 && !wasRunning)) {
    throw new AppError('CURSOR_EXPIRED', 'The events after this cursor are no longer kept', {
      details: { explanation: 'Follow the turn without a cursor to receive its outcome' },
    });
  }
  const documents = await deps.database.asWorker((tx) => selectDocuments(tx, [turn.id]));
  return toStoredEvents(ended, documents.get(turn.id) ?? [], position.seq);
}

interface Standing {
  readonly step: Exclude<ReadStep, { readonly kind: 'ended' | 'expired' }>;
  readonly position: LogPosition;
}

interface Batch {
  readonly events: readonly TurnEvent[];
  readonly position: LogPosition;
  /** Nothing comes after it. */
  readonly last: boolean;
}

interface Follow {
  readonly turn: Turn;
  readonly start: LogPosition;
  /** The first step, when it has already been taken. */
  readonly first: ReadStep | undefined;
}

/** What a step means for the follower, and where it then stands. */
function toBatch(turn: Turn, { step, position }: Standing): Batch {
  if (step.kind === 'beyond') throw toBeyond();
  if (step.kind === 'reset') {
    const { epoch, afterSeq: seq } = step;
    return { events: [toReset(step, turn.id)], position: { turnId: turn.id, epoch, seq }, last: false };
  }
  const { events } = step;
  const final = events.at(-1);
  return { events, position: final ?? position, last: final !== undefined && isTerminal(final) };
}

/** Event for event, but for a reader that took long over the batch before: it gets fewer and larger ones. */
async function* followFrom(
  deps: FollowDeps,
  { turn, start, first }: Follow,
  signal: AbortSignal,
): AsyncGenerator<readonly TurnEvent[]> {
  let position = start;
  let isBehind = false;
  let step = first ?? (await readPatiently(deps, position, signal));
  while (step && step.kind !== 'ended') {
    if (step.kind === 'expired') {
      yield await replaceExpired(deps, turn, position);
      return;
    }
    const batch = toBatch(turn, { step, position });
    position = batch.position;
    const handedOutAt = performance.now();
    yield isBehind ? mergeDeltas(batch.events) : batch.events;
    if (batch.last) return;
    isBehind = performance.now() - handedOutAt > BEHIND_MS;
    step = await readPatiently(deps, position, signal);
  }
}

/**
 * Rejects with CURSOR_INVALID or CURSOR_EXPIRED before it returns an iterable.
 * The iterable ends after the terminal event or the abort. It throws when the log cannot be read for too long,
 * CURSOR_EXPIRED when what comes next is deleted while it is read, and CURSOR_INVALID when a turn that another node runs
 * turns out not to have come as far as its cursor.
 */
export async function followTurn(
  deps: FollowDeps,
  options: FollowOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<readonly TurnEvent[]>> {
  const { turn, minIntervalMs } = options;
  const start = toStartPosition(deps, turn, options.after);
  const answersAtOnce = start.seq > 0 && turn.status !== 'RUNNING';
  const first = answersAtOnce ? await deps.eventLog.read(start, signal) : undefined;
  if (first?.kind === 'expired') await replaceExpired(deps, turn, start);
  const batches = followFrom(deps, { turn, start, first }, signal);
  return minIntervalMs > 0 ? paceDeltas(batches, minIntervalMs, signal) : batches;
}
