/** The process that plays the clients of one load: starts each when it is due, and tells what became of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { answer } from '../../bench/rpc.ts';
import type { ClientOutcome } from '../check/types.ts';
import type { ClientTask, LoadTask } from './client-task.ts';
import { runRawClient } from './raw-client.ts';
import { createRecord, type Record } from './record.ts';
import { runStockClient } from './stock-client.ts';

interface Load {
  readonly records: Record[];
  readonly stop: AbortController;
  /** Aborted when nobody begins any more. */
  readonly closing: AbortController;
  /** By the monotonic clock. */
  readonly startedAt: number;
  readonly done: Promise<unknown>;
}

/** How a load stands. */
export interface LoadProgress {
  readonly started: number;
  readonly ended: number;
  readonly connects: number;
}

let load: Load | undefined;

/** For a take-over, a new start of everything, and a machine that is busy. */
const PATIENCE_MS = 180_000;

async function runClient(task: ClientTask, load: Omit<Load, 'done'>, urls: readonly string[]) {
  const record = createRecord(task);
  load.records.push(record);
  const isDropping = (): boolean =>
    task.drops !== null && performance.now() - load.startedAt < task.drops.untilMs;
  const deps = { urls, record, signal: load.stop.signal, isDropping };
  await (task.kind.startsWith('stock') ? runStockClient(task, deps) : runRawClient(task, deps));
}

function start({ urls, clients, concurrency, timeoutMs }: LoadTask): void {
  const started: Omit<Load, 'done'> = {
    records: [],
    stop: new AbortController(),
    closing: new AbortController(),
    startedAt: performance.now(),
  };
  const { signal } = started.closing;
  const timer = setTimeout(() => {
    started.closing.abort();
    started.stop.abort();
  }, timeoutMs);
  const queue = clients.values();
  const runNext = async (): Promise<void> => {
    for (const task of queue) {
      const waitMs = task.startAfterMs - (performance.now() - started.startedAt);
      if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await runClient(task, started, urls);
    }
  };
  const done = Promise.all(Array.from({ length: concurrency }, runNext)).finally(() => clearTimeout(timer));
  load = { ...started, done };
}

function readProgress(): LoadProgress {
  const outcomes = load?.records.map((record) => record.toOutcome()) ?? [];
  return {
    started: outcomes.length,
    ended: outcomes.filter(({ last, abandoned }) => last !== null || abandoned !== null).length,
    connects: outcomes.reduce((sum, { connects }) => sum + connects, 0),
  };
}

/** Nobody begins any more; whoever has begun has some time left. */
function close(): void {
  const { closing, stop } = load ?? {};
  closing?.abort();
  setTimeout(() => stop?.abort(), PATIENCE_MS).unref();
}

async function finish(): Promise<readonly ClientOutcome[]> {
  await load?.done;
  return load?.records.map((record) => record.toOutcome()) ?? [];
}

answer({
  start: (input) => start(input as LoadTask),
  progress: readProgress,
  close,
  finish,
});
