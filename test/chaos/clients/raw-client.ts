/** A client written by hand: asks once with a key, and comes back with its last cursor until it has seen the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '../random.ts';
import type { ClientTask } from './client-task.ts';
import {
  type Operation,
  type Result,
  readEvent,
  readRefusal,
  toAsk,
  toCancel,
  toFollow,
} from './operations.ts';
import type { Record } from './record.ts';
import { mutate, overSse, overWebSocket, type RunOperation } from './transports.ts';

export interface ClientDeps {
  readonly urls: readonly string[];
  readonly record: Record;
  /** Aborted when the load is over. */
  readonly signal: AbortSignal;
  /** Whether this client still drops its connections. */
  isDropping(): boolean;
}

interface Client extends ClientDeps {
  readonly task: ClientTask;
  readonly random: Random;
  readonly run: RunOperation;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 500;
/** A cancelling client waits for so many events. */
const CANCEL_AFTER_EVENTS = 4;

function toOperation({ task, record }: Client): Operation {
  const { turnId, cursor } = record.check;
  if (task.kind === 'follow' && turnId !== null) return toFollow(turnId, cursor);
  return toAsk(task.plan, true, cursor);
}

/** Signals the moment at which this attempt is dropped, if it is one of those that are. */
function toDropSignal({ task, random, isDropping }: Client): readonly AbortSignal[] {
  if (task.drops === null || !isDropping()) return [];
  return [AbortSignal.timeout(random.between(task.drops.lowMs, task.drops.highMs))];
}

/** Resolves with false when coming back is pointless. */
async function attempt(client: Client): Promise<boolean> {
  const { record, random, urls, signal, run } = client;
  const url = random.pick(urls);
  const operation = toOperation(client);
  let goOn = true;
  record.add({ kind: 'connect', at: Date.now(), node: url, after: record.check.cursor });
  const onResult = (result: Result): void => {
    const event = readEvent(result);
    if (event !== undefined) record.add({ kind: 'event', at: Date.now(), event });
    const refusal = readRefusal(result);
    if (refusal === undefined) return;
    record.add({ kind: 'refused', at: Date.now(), code: refusal.code, message: refusal.message });
    if (refusal.retryable) return;
    record.abandon(`${refusal.code}: ${refusal.message}`);
    goOn = false;
  };
  const ending = await run(url, operation, {
    signal: AbortSignal.any([signal, ...toDropSignal(client)]),
    onResult,
  });
  record.add({ ...ending, at: Date.now() });
  return goOn;
}

/** Cancels once, when the turn has begun to answer. */
async function cancelInTime({ record, urls, random, signal }: Client): Promise<void> {
  const isDue = (): boolean => record.check.turnId !== null && record.check.text.length > CANCEL_AFTER_EVENTS;
  while (!isDue() && record.check.last === null && !signal.aborted) await sleep(FIRST_WAIT_MS);
  const { turnId } = record.check;
  if (turnId !== null && record.check.last === null) await mutate(random.pick(urls), toCancel(turnId));
}

/** Resolves when the client has seen the end, is refused for good, or the signal is aborted. */
export async function runRawClient(task: ClientTask, deps: ClientDeps): Promise<void> {
  const random = createRandom(task.seed);
  const client: Client = { ...deps, task, random, run: task.kind === 'sse' ? overSse : overWebSocket };
  const { record, signal } = deps;
  if (task.kind === 'cancel') void cancelInTime({ ...client, random: random.fork('cancel') });
  while (!signal.aborted && record.check.last === null) {
    if (!(await attempt(client))) return;
    if (record.check.last === null) await sleep(random.between(FIRST_WAIT_MS, LONGEST_WAIT_MS));
  }
}
