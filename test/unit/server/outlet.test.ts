import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOutlet, type Outlet } from '../../../src/server/outlet.ts';

const STALL_MS = 1_000;

/** A socket of which the test decides what its reader takes. */
class FakeSocket extends EventEmitter {
  bytesWritten = 0;
  writableLength = 0;
  destroyed = false;
  /** Bytes of the write under way that are not taken. */
  readonly _handle = { writeQueueSize: 0 };
  corks = 0;
  uncorks = 0;
  cork(): void {
    this.corks += 1;
  }
  uncork(): void {
    this.uncorks += 1;
  }
  write(bytes: number): void {
    this.bytesWritten += bytes;
    this.writableLength += bytes;
  }
  read(bytes: number): void {
    this.writableLength -= bytes;
    if (this.writableLength === 0) this.emit('drain');
  }
}

let socket: FakeSocket;
let outlet: Outlet;
let stalls: number;

beforeEach(() => {
  vi.useFakeTimers();
  socket = new FakeSocket();
  stalls = 0;
  outlet = createOutlet(socket as unknown as Socket, {
    stallMs: STALL_MS,
    onStall: () => {
      stalls += 1;
    },
  });
});
afterEach(() => {
  vi.useRealTimers();
});

function write(bytes: number): void {
  outlet.cork();
  socket.write(bytes);
  vi.advanceTimersByTime(0);
}

describe('an outlet', () => {
  it('corks once for all writes of one round of the event loop', () => {
    outlet.cork();
    outlet.cork();
    expect([socket.corks, socket.uncorks]).toEqual([1, 0]);
    vi.advanceTimersByTime(0);
    outlet.cork();
    vi.advanceTimersByTime(0);
    expect([socket.corks, socket.uncorks]).toEqual([2, 2]);
  });

  it('has room below 256 KiB, and again when all has been read', async () => {
    write(256 * 1024 - 1);
    expect(outlet.whenRoom()).toBeUndefined();
    write(1);
    const room = outlet.whenRoom();
    expect(room).toBeInstanceOf(Promise);
    expect(outlet.whenRoom()).toBe(room);
    socket.read(256 * 1024);
    await room;
    expect(outlet.whenRoom()).toBeUndefined();
    expect(socket.listenerCount('drain') + socket.listenerCount('close')).toBe(0);
  });

  it('lets nobody wait for a socket that has closed', async () => {
    write(1024 * 1024);
    const room = outlet.whenRoom();
    socket.destroyed = true;
    socket.emit('close');
    await expect(room).resolves.toBeUndefined();
    expect(outlet.whenRoom()).toBeUndefined();
  });

  it('gives up a reader that takes nothing for the whole time', () => {
    write(100);
    vi.advanceTimersByTime(STALL_MS - 1);
    expect(stalls).toBe(0);
    vi.advanceTimersByTime(1);
    expect(stalls).toBe(1);
  });

  it('is patient with a reader that is slow but reads', () => {
    write(100);
    for (let i = 0; i < 10; i += 1) {
      socket.read(1);
      write(1);
      vi.advanceTimersByTime(STALL_MS);
    }
    expect(stalls).toBe(0);
    vi.advanceTimersByTime(STALL_MS);
    expect(stalls).toBe(1);
  });

  it('is patient with a reader that reads little of one large write, which only ends as a whole', () => {
    socket._handle.writeQueueSize = 100;
    write(100);
    for (let i = 0; i < 10; i += 1) {
      vi.advanceTimersByTime(STALL_MS - 100);
      socket._handle.writeQueueSize -= 1;
    }
    expect(stalls).toBe(0);
    vi.advanceTimersByTime(STALL_MS + 100);
    expect(stalls).toBe(1);
  });

  it('notices within a tenth of the time that a reader has stopped after a while', () => {
    write(100);
    vi.advanceTimersByTime(STALL_MS / 2);
    socket.read(1);
    vi.advanceTimersByTime(1.1 * STALL_MS);
    expect(stalls).toBe(1);
  });

  it('does not judge a reader for whom nothing waits', () => {
    write(100);
    socket.read(100);
    vi.advanceTimersByTime(10 * STALL_MS);
    expect(stalls).toBe(0);
  });
});
