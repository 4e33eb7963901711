/** Groups the pending events of all turns of this node into one statement per interval; urgent ones are not kept waiting by the others. */
import type { Log } from '../log.ts';
import type { EventBatch } from './event-log.ts';
import type { FlushSource } from './turn-writer.ts';

export interface FlusherDeps {
  readonly flushMs: number;
  /** Longest time in milliseconds for events that somebody waits for until they are stored. */
  readonly urgentMs: number;
  /** Whether somebody waits for the stored events of a turn. */
  readonly isUrgent: (turnId: string) => boolean;
  readonly log: Log;
  /** Stores the batches whose fence holds and returns the ids of their turns. */
  readonly write: (batches: readonly EventBatch[]) => Promise<ReadonlySet<string>>;
  /** These are stored now. */
  readonly onStored: (batches: readonly EventBatch[]) => void;
}

export interface Flusher extends AsyncDisposable {
  add(source: FlushSource): void;
  remove(source: FlushSource): void;
  /** Something of the turn is pending: write it at the latest one interval from now. */
  schedule(turnId: string): void;
}

/** After a failed write the next one waits this many intervals, so that a database that comes back is not stormed. */
const INTERVALS_AFTER_FAILURE = 4;

interface Flush {
  readonly taken: readonly FlushSource[];
  /** Undefined when everything was written. */
  readonly error?: unknown;
}

/** Writes one batch of each source that has one. Never rejects. */
async function flushOnce(
  sources: Iterable<FlushSource>,
  { write, onStored }: Pick<FlusherDeps, 'write' | 'onStored'>,
): Promise<Flush> {
  const taken: FlushSource[] = [];
  const batches: EventBatch[] = [];
  for (const source of sources) {
    const batch = source.take();
    if (!batch) continue;
    taken.push(source);
    batches.push(batch);
  }
  if (batches.length === 0) return { taken };
  try {
    const stored = await write(batches);
    for (const source of taken) source.settle(stored.has(source.lease.turnId) ? 'stored' : 'lost');
    onStored(batches.filter(({ turnId }) => stored.has(turnId)));
    return { taken };
  } catch (error) {
    for (const source of taken) source.settle('failed');
    return { taken, error };
  }
}

/** When the next flushes are due, by the monotonic clock. */
interface Schedule {
  /** Of everything. */
  dueAt: number;
  /** Of what is urgent. */
  urgentAt: number;
}

const NEVER = Number.POSITIVE_INFINITY;

export function createFlusher(deps: FlusherDeps): Flusher {
  const { flushMs, log } = deps;
  const urgentMs = Math.min(deps.urgentMs, flushMs);
  const sources = new Set<FlushSource>();
  const next: Schedule = { dueAt: NEVER, urgentAt: NEVER };
  let timer: { readonly at: number; readonly timeout: NodeJS.Timeout } | undefined;
  let running: Promise<void> | undefined;
  let failing = false;
  let disposed = false;

  const arm = (): void => {
    const at = Math.min(next.dueAt, next.urgentAt);
    if (running || disposed || at === NEVER || (timer && timer.at <= at)) return;
    clearTimeout(timer?.timeout);
    timer = { at, timeout: setTimeout(start, Math.max(at - performance.now(), 0)) };
  };
  const start = (): void => {
    const isEverythingDue = next.dueAt <= (timer?.at ?? NEVER);
    timer = undefined;
    next.urgentAt = NEVER;
    if (isEverythingDue) next.dueAt = NEVER;
    const urgent = [...sources].filter(({ lease }) => deps.isUrgent(lease.turnId));
    running = flush(isEverythingDue ? sources : urgent).finally(() => {
      running = undefined;
      arm();
    });
  };
  const flush = async (due: Iterable<FlushSource>): Promise<void> => {
    const { taken, error } = await flushOnce(due, deps);
    if (error !== undefined && !failing) {
      const text = 'events could not be stored; they are kept and tried again';
      log.warn({ err: error, turns: taken.length }, text);
    }
    const hadFailed = failing;
    failing = error !== undefined;
    if (failing) next.urgentAt = NEVER;
    if (failing) next.dueAt = performance.now() + flushMs * INTERVALS_AFTER_FAILURE;
    // What came in while a failed batch was kept is still to be written.
    else if (hadFailed) next.dueAt = performance.now() + flushMs;
  };

  return {
    add: (source) => void sources.add(source),
    remove: (source) => void sources.delete(source),
    schedule(turnId) {
      const now = performance.now();
      if (next.dueAt === NEVER) next.dueAt = now + flushMs;
      if (!failing && next.urgentAt === NEVER && deps.isUrgent(turnId)) next.urgentAt = now + urgentMs;
      arm();
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      clearTimeout(timer?.timeout);
      await running;
    },
  };
}
