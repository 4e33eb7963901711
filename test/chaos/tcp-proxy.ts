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

function pass(from: Socket, to: Socket, behaviour: Behaviour): void {
  from.on('data', (chunk) => {
    const write = (): void => {
      if (!to.destroyed && !to.write(chunk)) {
        from.pause();
        to.once('drain', () => {
          if (!behaviour.stalled) from.resume();
        });
      }
    };
    // Timers of one length fire in the order in which they were set.
    if (behaviour.latencyMs > 0) setTimeout(write, behaviour.latencyMs);
    else write();
  });
}

function open(near: Socket, target: Target, shared: { behaviour: Behaviour; pairs: Set<Pair> }): void {
  const { behaviour, pairs } = shared;
  const far = connect({ ...target, noDelay: true });
  const pair: Pair = { near, far, half: false };
  near.setNoDelay();
  pairs.add(pair);
  if (behaviour.stalled) for (const socket of [near, far]) socket.pause();
  pass(near, far, behaviour);
  pass(far, near, behaviour);
  near
    .on('error', () => near.destroy())
    .once('close', () => {
      pairs.delete(pair);
      far.destroy();
    });
  far
    .on('error', () => near.resetAndDestroy())
    .once('close', () => {
      if (pair.half) return;
      // What was late is still to be delivered.
      if (behaviour.latencyMs > 0) setTimeout(() => near.end(), behaviour.latencyMs);
      else near.end();
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
