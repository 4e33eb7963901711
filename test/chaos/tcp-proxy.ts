/** A TCP proxy that can be told to misbehave as networks do: late, silent, cut, half open, closed. It looks at no byte. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Pairs of connections that are open. */
  readonly size: number;
  /** Where new connections lead; undefined: they are refused. */
  setTarget(target: Target | undefined): void;
  /** Milliseconds by which each piece of data is late from now on, in both directions. */
  setLatency(ms: number): void;
  /** Nothing is passed on, on connections of now and later, until `resume`. */
  stall(): void;
  resume(): void;
  /** Resets every connection, on both sides. */
  cut(): void;
  /** Every connection of now is ended, as by a server that leaves in order. */
  leave(): void;
  /** The far side of every connection of now is closed, and the near side never told: it can write, and nothing answers. */
  halfOpen(): void;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** The near side stands alone. */
  half: boolean;
}

interface Behaviour {
  target: Target | undefined;
  latencyMs: number;
  stalled: boolean;
}

/** Does things late, but never one before another: also when they are less late than those before. */
function createDelay(behaviour: Behaviour): (act: () => void) => void {
  const waiting: { readonly act: () => void; readonly dueAt: number }[] = [];
  const actOnDue = (): void => {
    while (waiting[0] !== undefined && waiting[0].dueAt <= performance.now()) waiting.shift()?.act();
    if (waiting[0] !== undefined) setTimeout(actOnDue, waiting[0].dueAt - performance.now());
  };
  return (act) => {
    if (waiting.length === 0 && behaviour.latencyMs === 0) return act();
    waiting.push({ act, dueAt: performance.now() + behaviour.latencyMs });
    if (waiting.length === 1) setTimeout(actOnDue, behaviour.latencyMs);
  };
}

/** Passes on what one side says to the other; returns what does something in the order of that. */
function pass(from: Socket, to: Socket, behaviour: Behaviour): (act: () => void) => void {
  const late = createDelay(behaviour);
  const write = (chunk: Buffer): void => {
    if (to.destroyed || to.write(chunk)) return;
    from.pause();
    to.once('drain', () => {
      if (!behaviour.stalled) from.resume();
    });
  };
  from.on('data', (chunk) => late(() => write(chunk)));
  return late;
}

function open(near: Socket, target: Target, shared: { behaviour: Behaviour; pairs: Set<Pair> }): void {
  const { behaviour, pairs } = shared;
  const far = connect({ ...target, noDelay: true });
  const pair: Pair = { near, far, half: false };
  near.setNoDelay();
  pairs.add(pair);
  if (behaviour.stalled) for (const socket of [near, far]) socket.pause();
  pass(near, far, behaviour);
  const late = pass(far, near, behaviour);
  near
    .on('error', () => near.destroy())
    .once('close', () => {
      pairs.delete(pair);
      far.destroy();
    });
  far
    .on('error', () => near.resetAndDestroy())
    .once('close', () => {
      // Behind what is still to be delivered.
      if (!pair.half) late(() => near.end());
    });
}

/** Resolves when it listens, on loopback, on a free port. */
export async function startTcpProxy(first?: Target): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const behaviour: Behaviour = { target: first, latencyMs: 0, stalled: false };
  const server = createServer((near) => {
    near.on('error', () => near.destroy());
    if (behaviour.target === undefined) near.resetAndDestroy();
    else open(near, behaviour.target, { behaviour, pairs });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const all = (): readonly Socket[] => [...pairs].flatMap(({ near, far }) => [near, far]);

  return {
    port: (server.address() as AddressInfo).port,
    get size() {
      return pairs.size;
    },
    setTarget(target) {
      behaviour.target = target;
    },
    setLatency(ms) {
      behaviour.latencyMs = ms;
    },
    stall() {
      behaviour.stalled = true;
      for (const socket of all()) socket.pause();
    },
    resume() {
      behaviour.stalled = false;
      for (const socket of all()) socket.resume();
    },
    cut() {
      for (const socket of all()) socket.resetAndDestroy();
    },
    leave() {
      for (const { near } of pairs) near.end();
    },
    halfOpen() {
      for (const pair of pairs) {
        pair.half = true;
        pair.far.destroy();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of all()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
