/** How bytes leave by a socket: many writes become one packet, a slow reader bounds the writer, a stalled one is given up. */
import type { Socket } from 'node:net';

/** Bytes that may wait for a reader before its writer has to. */
const HIGH_WATER_BYTES = 256 * 1024;
/** How often in that time a reader is looked at who may take nothing for it: a stall is noticed so much later at most. */
const LOOKS_PER_STALL = 10;

export interface Outlet extends Disposable {
  /** Call before each write: what is written until the end of this round of the event loop leaves together. */
  cork(): void;
  /** Undefined while there is room; else a promise that resolves when all has been read or the socket has closed. */
  whenRoom(): Promise<void> | undefined;
}

export interface OutletOptions {
  /** Longest time without progress while bytes wait. */
  readonly stallMs: number;
  /** Called once, when that time is over. */
  onStall(): void;
}

/** What the reader's kernel has taken, as far as Node knows. */
interface Progress {
  readonly written: number;
  /** Bytes of the write under way that are not taken yet. */
  readonly queued: number;
}

export function createOutlet(socket: Socket, { stallMs, onStall }: OutletOptions): Outlet {
  let corked = false;
  let room: Promise<void> | undefined;
  let watch: NodeJS.Timeout | undefined;

  const stopWatching = (): void => {
    clearInterval(watch);
    watch = undefined;
  };
  const watchProgress = (): void => {
    let last = readProgress(socket);
    let lastAt = performance.now();
    watch = setInterval(() => {
      if (socket.writableLength === 0 || socket.destroyed) return stopWatching();
      const progress = readProgress(socket);
      if (progress.written !== last.written || progress.queued < last.queued) {
        last = progress;
        lastAt = performance.now();
      } else if (performance.now() - lastAt >= stallMs) {
        stopWatching();
        onStall();
      }
    }, stallMs / LOOKS_PER_STALL);
    watch.unref();
  };
  const uncork = (): void => {
    corked = false;
    socket.uncork();
    if (socket.writableLength > 0 && watch === undefined) watchProgress();
  };

  return {
    cork() {
      if (corked) return;
      corked = true;
      socket.cork();
      setImmediate(uncork);
    },
    whenRoom() {
      if (socket.writableLength < HIGH_WATER_BYTES || socket.destroyed) return undefined;
      room ??= untilDrained(socket).then(() => {
        room = undefined;
      });
      return room;
    },
    [Symbol.dispose]: stopWatching,
  };
}

/**
 * A write counts as waiting until all of it is taken, and one write may be all that waits: a slow reader would look like a
 * dead one. What is left of it only the socket's own part knows, where Node looks for its timeouts too.
 * https://github.com/nodejs/node/blob/v24.0.0/lib/net.js (Socket.prototype._onTimeout)
 */
function readProgress(
  socket: Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null },
): Progress {
  const queued = socket._handle?.writeQueueSize ?? 0;
  return { written: socket.bytesWritten - socket.writableLength, queued };
}

function untilDrained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle);
      resolve();
    };
    socket.on('drain', settle).on('close', settle);
  });
}
