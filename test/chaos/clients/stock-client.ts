/** The graphql-ws client as front ends use it: it connects again by itself and sends its subscription again, knowing no cursor. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createRandom, type Random } from '../random.ts';
import type { ClientTask } from './client-task.ts';
import { type Result, readEvent, readRefusal, toAsk } from './operations.ts';
import type { ClientDeps } from './raw-client.ts';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 500;
/** Pings this often, and takes a server for gone that does not answer in the same time. */
const KEEP_ALIVE_MS = 10_000;

interface Socket {
  terminate(): void;
}

/** The client, its sockets dropped as the task says and their life written down. */
function createStockClient(task: ClientTask, random: Random, deps: ClientDeps) {
  const { record, urls, isDropping } = deps;
  let node = '';
  let drop: NodeJS.Timeout | undefined;
  let silence: NodeJS.Timeout | undefined;
  let socket: Socket | undefined;
  return createClient({
    url: () => {
      node = random.pick(urls);
      return `${node.replace('http', 'ws')}/graphql`;
    },
    webSocketImpl: WebSocket,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => !deps.signal.aborted,
    retryWait: () => sleep(random.between(FIRST_WAIT_MS, LONGEST_WAIT_MS)),
    keepAlive: KEEP_ALIVE_MS,
    on: {
      connected: (opened) => {
        socket = opened as Socket;
        record.add({ kind: 'connect', at: Date.now(), node, after: null });
        if (task.drops === null || !isDropping()) return;
        drop = setTimeout(() => socket?.terminate(), random.between(task.drops.lowMs, task.drops.highMs));
      },
      ping: (received) => {
        if (!received) silence = setTimeout(() => socket?.terminate(), KEEP_ALIVE_MS);
      },
      pong: () => clearTimeout(silence),
      closed: (event) => {
        clearTimeout(drop);
        clearTimeout(silence);
        const { code = 0, reason = '' } = event as { readonly code?: number; readonly reason?: string };
        record.add({ kind: 'closed', at: Date.now(), code, reason });
      },
    },
  });
}

/** One subscription to its end; resolves with whether asking again makes sense. */
async function subscribeOnce(task: ClientTask, random: Random, deps: ClientDeps): Promise<boolean> {
  const { record, signal } = deps;
  const client = createStockClient(task, random, deps);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let goOn = false;
  const refuse = (result: Result): void => {
    const refusal = readRefusal(result);
    if (refusal === undefined) return;
    record.add({ kind: 'refused', at: Date.now(), code: refusal.code, message: refusal.message });
    // Another operation of a page that sends no key would be another question.
    goOn = refusal.retryable && task.kind === 'stock-keyed';
    if (!goOn) record.abandon(`${refusal.code}: ${refusal.message}`);
  };
  const leave = client.subscribe<Record<string, unknown>>(
    toAsk(task.plan, task.kind === 'stock-keyed', null),
    {
      next(result) {
        const event = readEvent(result as Result);
        if (event === undefined) refuse(result as Result);
        else record.add({ kind: 'event', at: Date.now(), event });
      },
      error(error) {
        if (Array.isArray(error)) refuse({ errors: error });
        else if (!signal.aborted) record.abandon(`the client gives up: ${toText(error)}`);
        resolve(goOn);
      },
      complete() {
        if (!signal.aborted) record.add({ kind: 'complete', at: Date.now() });
        resolve(goOn);
      },
    },
  );
  const onAbort = (): void => {
    leave();
    resolve(false);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    void client.dispose();
  }
}

function toText(error: unknown): string {
  if (error instanceof Error) return error.message;
  const { code, reason } = error as { readonly code?: number; readonly reason?: string };
  return `${code} ${reason}`;
}

/** Resolves when the client has seen the end, gives up, or the signal is aborted. */
export async function runStockClient(task: ClientTask, deps: ClientDeps): Promise<void> {
  const random = createRandom(task.seed);
  while (!deps.signal.aborted && deps.record.check.last === null) {
    if (!(await subscribeOnce(task, random, deps))) return;
    await sleep(random.between(FIRST_WAIT_MS, LONGEST_WAIT_MS));
  }
}
