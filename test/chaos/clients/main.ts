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
  readonly done: Promise<unknown>;
}

/** How a load stands. */
export interface LoadProgress {
  readonly started: number;
  readonly ended: number;
  readonly connects: number;
}

let load: Load | undefined;

async function runClient(task: ClientTask, load: Omit<Load, 'done'>, urls: readonly string[]) {
  const { signal } = load.stop;
  const startedAt = performance.now();
  await sleep(task.startAfterMs, undefined, { signal: load.closing.signal }).catch(() => undefined);
  if (load.closing.signal.aborted) return;
  const record = createRecord(task);
  load.records.push(record);
  const isDropping = (): boolean => task.drops !== null && performance.now() - startedAt < task.drops.untilMs;
  const deps = { urls, record, signal, isDropping };
  await (task.kind.startsWith('stock') ? runStockClient(task, deps) : runRawClient(task, deps));
}

function start({ urls, clients, timeoutMs }: LoadTask): void {
  const started = { records: [], stop: new AbortController(), closing: new AbortController() };
  const timer = setTimeout(() => {
    started.closing.abort();
    started.stop.abort();
  }, timeoutMs);
  const done = Promise.all(clients.map((task) => runClient(task, started, urls))).finally(() =>
    clearTimeout(timer),
  );
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

async function finish(): Promise<readonly ClientOutcome[]> {
  await load?.done;
  return load?.records.map((record) => record.toOutcome()) ?? [];
}

answer({
  start: (input) => start(input as LoadTask),
  progress: readProgress,
  close: () => load?.closing.abort(),
  finish,
});
