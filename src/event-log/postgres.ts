/** The event log on Postgres: this node's turns are followed from memory, all others by reading what their writers stored. */
import type { Database } from '../db/client.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { LoggedEvent } from '../types/turn-event.ts';
import type { EventBatch, EventLog, LogPosition, ReadStep, TurnLease, TurnWriter } from './event-log.ts';
import { createFlusher } from './flusher.ts';
import {
  insertBatches,
  insertEpoch,
  insertFenced,
  selectAllEvents,
  selectEventsAfter,
  selectHeads,
  selectOvertaking,
  selectState,
} from './postgres-store.ts';
import { createTail, type Tail } from './tail.ts';
import { createTurnWriter } from './turn-writer.ts';
import { createWatcher } from './watcher.ts';

export interface PostgresLogDeps {
  readonly database: Database;
  readonly log: Log;
  /** Longest time in milliseconds before an event is stored. */
  readonly flushMs: number;
  /** How often the turns of other nodes that are followed here are looked at, all at once, in milliseconds. */
  readonly pollMs?: number;
  readonly now?: () => number;
}

/** One look at the stored log; undefined when there is nothing new yet. */
function look(database: Database, position: LogPosition): Promise<ReadStep | undefined> {
  return database.asWorker(async (tx) => {
    const state = await selectState(tx, position.turnId);
    if (!state) return { kind: 'expired' };
    // After the state: a take-over that ended the turn is then certain to be seen here.
    const mayBeOvertaken = position.seq > 0 && state.fence > position.epoch;
    const overtaking = mayBeOvertaken ? await selectOvertaking(tx, position) : undefined;
    if (overtaking) return { kind: 'reset', afterSeq: overtaking.firstSeq - 1, epoch: state.fence };
    const events = await selectEventsAfter(tx, position);
    const first = events[0];
    if (first) return first.seq === position.seq + 1 ? { kind: 'events', events } : { kind: 'expired' };
    if (state.status === 'RUNNING') return undefined;
    return position.seq >= state.lastSeq ? { kind: 'ended' } : { kind: 'expired' };
  }, 'read');
}

/** Undefined when the tail cannot serve the position: dropped from memory, or of a turn that was taken over. */
async function readTail(tail: Tail, seq: number, signal: AbortSignal): Promise<ReadStep | undefined> {
  const events = tail.after(seq);
  if (!events) return undefined;
  if (events.length > 0) return { kind: 'events', events };
  if (tail.stalled) throw new AppError('DEPENDENCY_UNAVAILABLE', 'The answer cannot be stored at the moment');
  await tail.changed(signal);
  const news = tail.after(seq);
  return news && news.length > 0 ? { kind: 'events', events: news } : undefined;
}

export function createPostgresLog(deps: PostgresLogDeps): EventLog {
  const { database, log, flushMs, pollMs = 200, now = Date.now } = deps;
  const tails = new Map<string, Tail>();
  const write = (batches: readonly EventBatch[]) =>
    database.asWorker((tx) => insertFenced(tx, batches), 'flush');
  const flusher = createFlusher({ flushMs, log, write });
  const loadHeads = (turnIds: readonly string[]) => database.asWorker((tx) => selectHeads(tx, turnIds));
  const watcher = createWatcher({ pollMs, loadHeads });

  const open = (lease: TurnLease, first: LoggedEvent, onLost: () => void): TurnWriter => {
    const tail = createTail(lease.fence, first);
    const onClosed = (): void => {
      flusher.remove(writer);
      tails.delete(lease.turnId);
    };
    const writer = createTurnWriter(lease, tail, { now, onPending: flusher.schedule, onLost, onClosed });
    tails.set(lease.turnId, tail);
    flusher.add(writer);
    return writer;
  };

  const read = async (position: LogPosition, signal: AbortSignal): Promise<ReadStep | undefined> => {
    while (!signal.aborted) {
      const tail = tails.get(position.turnId);
      const current = tail && (position.epoch === tail.epoch || position.seq === 0);
      const live = current ? await readTail(tail, position.seq, signal) : undefined;
      if (signal.aborted) return undefined;
      const step = live ?? (await look(database, position));
      if (step) return step;
      if (!current) await watcher.wait(position, signal);
    }
    return undefined;
  };

  return {
    open,
    read,
    lastSeq: (turnId) => tails.get(turnId)?.lastSeq,
    store: insertBatches,
    readAll: selectAllEvents,
    recordEpoch: insertEpoch,
    [Symbol.asyncDispose]: () => flusher[Symbol.asyncDispose](),
  };
}
