/** The event log on Postgres: this node's turns are followed from memory, all others by reading what their writers stored. */
import type { Database } from '../db/client.ts';
import type { Listener } from '../db/listener.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { LoggedEvent } from '../types/turn-event.ts';
import { createAudience } from './audience.ts';
import type { EventLog, LogPosition, ReadStep, TurnLease, TurnWriter } from './event-log.ts';
import { createFlusher, type Flusher } from './flusher.ts';
import { createForeignTurns, type ForeignTurns } from './foreign-turns.ts';
import { look } from './look.ts';
import type { LogMetrics } from './metrics.ts';
import { CHANNEL, createNodeNotifier, type NodeNotifier, parseMessage } from './notifications.ts';
import { insertBatches, insertEpoch, insertFenced, selectAllEvents, selectHeads } from './postgres-store.ts';
import { createTail, type Tail } from './tail.ts';
import { createTurnWriter, type FlushSource } from './turn-writer.ts';

export interface PostgresLogDeps {
  readonly database: Database;
  /** Stays the caller's to dispose. */
  readonly listener: Pick<Listener, 'listen' | 'isConnected'>;
  readonly log: Log;
  readonly metrics: LogMetrics;
  /** Longest time in milliseconds before an event is stored; a turn that is followed on another node does not wait as long. */
  readonly flushMs: number;
  /** `sync`: followers receive an event only after it is stored. */
  readonly durability: 'async' | 'sync';
  /** How often a followed turn of another node is looked at when nothing is heard of it, in milliseconds. */
  readonly pollMs?: number;
  /** How often one is looked at of which something is heard. */
  readonly slowPollMs?: number;
  /** How long a cursor that is ahead of what is stored of a running turn is taken for a good one, in milliseconds. */
  readonly beyondMs?: number;
  readonly now?: () => number;
}

/** Longest time in milliseconds before an event is stored that somebody waits for. */
const URGENT_MS = 50;
const POLL_MS = 200;
const SLOW_POLL_MS = 2_000;
/** How often a node says which turns of others it follows, and how long it is believed. */
const RENEW_MS = 5_000;
const AUDIENCE_MS = 15_000;
/** Twice a lease: a writer that cannot store for so long has lost its turn. */
const BEYOND_MS = 30_000;

/** A turn that this node writes. */
interface OwnTurn {
  readonly tail: Tail;
  readonly writer: TurnWriter & FlushSource;
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

/** What the parts of one log share. */
interface Parts {
  readonly deps: PostgresLogDeps;
  readonly own: Map<string, OwnTurn>;
  readonly audience: ReturnType<typeof createAudience>;
  readonly notifier: NodeNotifier;
  readonly foreign: ForeignTurns;
  readonly flusher: Flusher;
}

function createParts(deps: PostgresLogDeps): Parts {
  const { database, listener, log, metrics, flushMs, durability } = deps;
  const audience = createAudience({ ttlMs: AUDIENCE_MS });
  const notifier = createNodeNotifier({
    send: (payload) => database.notify(CHANNEL, payload),
    onSent: metrics.notificationSent,
  });
  const foreign = createForeignTurns({
    look: (position) => look(database, position),
    loadHeads: (turnIds) => database.asWorker((tx) => selectHeads(tx, turnIds)),
    tellFollowing: notifier.tellFollowing,
    isHearing: () => listener.isConnected,
    pollMs: deps.pollMs ?? POLL_MS,
    slowPollMs: deps.slowPollMs ?? SLOW_POLL_MS,
    renewMs: RENEW_MS,
    beyondMs: deps.beyondMs ?? BEYOND_MS,
    onRead: metrics.logRead,
  });
  const flusher = createFlusher({
    flushMs,
    urgentMs: URGENT_MS,
    isUrgent: (turnId) => durability === 'sync' || audience.has(turnId),
    log,
    write: (batches) => database.asWorker((tx) => insertFenced(tx, batches), 'flush'),
    onStored(batches) {
      metrics.flushed(batches);
      for (const { turnId, fence, lastSeq: seq } of batches) {
        if (audience.has(turnId)) notifier.tellNews({ turnId, fence, seq });
      }
    },
  });
  return { deps, own: new Map(), audience, notifier, foreign, flusher };
}

/** What other nodes say. */
function hear({ own, audience, notifier, foreign, flusher }: Parts, payload: string): void {
  const { news, following } = parseMessage(payload);
  for (const [turnId, fence, seq] of news) foreign.hear({ turnId, fence, seq });
  for (const turnId of following) {
    const writer = own.get(turnId)?.writer;
    if (!writer) continue;
    audience.add(turnId);
    // What was stored while it was looking, and what was kept for the next flush of everything.
    notifier.tellNews({ turnId, fence: writer.lease.fence, seq: writer.storedSeq });
    flusher.schedule(turnId);
  }
}

function open(
  parts: Parts,
  turn: { readonly lease: TurnLease; readonly first: LoggedEvent },
  onLost: () => void,
): TurnWriter {
  const { deps, own, audience, notifier, flusher } = parts;
  const { lease, first } = turn;
  const { turnId, fence } = lease;
  const tail = createTail(fence, first, deps.durability);
  const onClosed = (): void => {
    flusher.remove(writer);
    own.delete(turnId);
    if (audience.has(turnId)) notifier.tellNews({ turnId, fence, seq: tail.lastSeq });
    audience.remove(turnId);
  };
  const now = deps.now ?? Date.now;
  const onPending = (): void => flusher.schedule(turnId);
  const writer = createTurnWriter(lease, tail, { now, onPending, onLost, onClosed });
  own.set(turnId, { tail, writer });
  flusher.add(writer);
  return writer;
}

async function read(
  { deps, own, foreign }: Parts,
  position: LogPosition,
  signal: AbortSignal,
): Promise<ReadStep | undefined> {
  while (!signal.aborted) {
    const tail = own.get(position.turnId)?.tail;
    if (!tail || (position.epoch !== tail.epoch && position.seq > 0)) return foreign.read(position, signal);
    const live = await readTail(tail, position.seq, signal);
    if (live || signal.aborted) return live;
    deps.metrics.logRead('store');
    const stored = await look(deps.database, position);
    if (stored) return stored.step;
  }
  return undefined;
}

/** Disposal does not store what is pending: by then every turn was sealed or given up. */
export function createPostgresLog(deps: PostgresLogDeps): EventLog {
  const parts = createParts(deps);
  const { own, foreign, flusher, notifier } = parts;
  const listening = deps.listener.listen(CHANNEL, {
    onConnect: foreign.lookAtAll,
    onMessage(payload) {
      deps.metrics.notificationReceived();
      hear(parts, payload);
    },
  });
  deps.metrics.observe({
    pendingEvents: () => sum(own, ({ writer }) => writer.pendingCount),
    tailEvents: () => sum(own, ({ tail }) => tail.size),
    followedTurns: () => foreign.count,
    windowSize: () => foreign.size,
  });
  return {
    open: (lease, first, onLost) => open(parts, { lease, first }, onLost),
    read: (position, signal) => read(parts, position, signal),
    lastSeq: (turnId) => own.get(turnId)?.tail.lastSeq,
    store: insertBatches,
    readAll: selectAllEvents,
    recordEpoch: insertEpoch,
    announce(news) {
      foreign.hear(news);
      notifier.tellNews(news);
    },
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]();
      foreign[Symbol.dispose]();
      await flusher[Symbol.asyncDispose]();
      await notifier[Symbol.asyncDispose]();
    },
  };
}

function sum(turns: ReadonlyMap<string, OwnTurn>, count: (turn: OwnTurn) => number): number {
  return [...turns.values()].reduce((total, turn) => total + count(turn), 0);
}
