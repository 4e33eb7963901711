/** Groups the pending events of all turns of this node into one statement per interval. */
import type { Log } from '../log.ts';
import type { EventBatch } from './event-log.ts';
import type { FlushSource } from './turn-writer.ts';

export interface FlusherDeps {
  readonly flushMs: number;
  readonly log: Log;
  /** Stores the batches whose fence holds and returns the ids of their turns. */
  readonly write: (batches: readonly EventBatch[]) => Promise<ReadonlySet<string>>;
}

export interface Flusher extends AsyncDisposable {
  add(source: FlushSource): void;
  remove(source: FlushSource): void;
  /** Something is pending: write at the latest one interval from now. */
  schedule(): void;
}

/** After a failed write the next one waits this many intervals, so that a database that comes back is not stormed. */
const INTERVALS_AFTER_FAILURE = 4;

interface Flush {
  readonly taken: readonly FlushSource[];
  /** Undefined when everything was written. */
  readonly error?: unknown;
}

/** Writes one batch of each source that has one. Never rejects. */
async function flushOnce(sources: Iterable<FlushSource>, write: FlusherDeps['write']): Promise<Flush> {
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
    return { taken };
  } catch (error) {
    for (const source of taken) source.settle('failed');
    return { taken, error };
  }
}

export function createFlusher({ flushMs, log, write }: FlusherDeps): Flusher {
  const sources = new Set<FlushSource>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let dirty = false;
  let failing = false;
  let disposed = false;

  const arm = (): void => {
    if (timer || running || disposed || !(dirty || failing)) return;
    timer = setTimeout(start, failing ? flushMs * INTERVALS_AFTER_FAILURE : flushMs);
  };
  const start = (): void => {
    timer = undefined;
    dirty = false;
    running = flush().finally(() => {
      running = undefined;
      arm();
    });
  };
  const flush = async (): Promise<void> => {
    const { taken, error } = await flushOnce(sources, write);
    if (error !== undefined && !failing) {
      log.warn(
        { err: error, turns: taken.length },
        'events could not be stored; they are kept and tried again',
      );
    }
    // What came in while a failed batch was kept is still to be written.
    dirty ||= failing;
    failing = error !== undefined;
  };

  return {
    add: (source) => void sources.add(source),
    remove: (source) => void sources.delete(source),
    schedule() {
      dirty = true;
      arm();
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
