/** How events leave by a socket: many writes become one packet, a slow reader bounds the writer, a stalled one is given up. */
import type { Socket } from 'node:net';

/** Bytes that may wait for a reader before its writer has to. */
const HIGH_WATER_BYTES = 256 * 1024;

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

export function createOutlet(socket: Socket, { stallMs, onStall }: OutletOptions): Outlet {
  let corked = false;
  let room: Promise<void> | undefined;
  let watch: NodeJS.Timeout | undefined;

  const countRead = (): number => socket.bytesWritten - socket.writableLength;
  const watchProgress = (readBefore: number): void => {
    watch = setTimeout(() => {
      watch = undefined;
      if (socket.writableLength === 0 || socket.destroyed) return;
      if (countRead() > readBefore) return watchProgress(countRead());
      onStall();
    }, stallMs);
    watch.unref();
  };
  const uncork = (): void => {
    corked = false;
    socket.uncork();
    if (socket.writableLength > 0 && watch === undefined) watchProgress(countRead());
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
    [Symbol.dispose]: () => clearTimeout(watch),
  };
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
