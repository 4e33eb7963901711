/** The newest events of one turn of another node, shared by its followers here and fed by what each of them reads. No I/O. */
import type { LoggedEvent } from '../types/turn-event.ts';
import type { LogPosition } from './event-log.ts';

/** Events as they were read, and how long they are in the store, in characters. */
export interface StoredEvents {
  readonly events: readonly LoggedEvent[];
  readonly size: number;
}

export interface Window {
  /** In characters as they are stored. */
  readonly size: number;
  /** What comes after the position, at least one event; undefined when the store has to be asked. */
  after(position: LogPosition): readonly LoggedEvent[] | undefined;
  /** Takes over what was read after the position, as far as it is new and joins on. */
  add(position: LogPosition, stored: StoredEvents): void;
}

type Place = Pick<LogPosition, 'epoch' | 'seq'>;

/** `capacity` is in characters as they are stored: beyond it the oldest reads are dropped. */
export function createWindow(capacity: number): Window {
  /** The event before the first. */
  let base: Place = { epoch: 0, seq: 0 };
  let events: LoggedEvent[] = [];
  /** For each read: how many events it brought, and their size. */
  let reads: { readonly count: number; readonly size: number }[] = [];
  let size = 0;
  const lastSeq = (): number => base.seq + events.length;

  const restart = (at: Place): void => {
    base = { epoch: at.epoch, seq: at.seq };
    events = [];
    reads = [];
    size = 0;
  };
  /** Half of it at once: dropping a little each time would move all that is kept. */
  const makeRoom = (): void => {
    let dropped = 0;
    let count = 0;
    for (const read of reads) {
      if (size <= capacity / 2) break;
      size -= read.size;
      count += read.count;
      dropped += 1;
    }
    base = events[count - 1] ?? base;
    events = events.slice(count);
    reads = reads.slice(dropped);
  };

  return {
    get size() {
      return size;
    },
    after(position) {
      if (position.seq < base.seq || position.seq >= lastSeq()) return undefined;
      const count = position.seq - base.seq;
      const before = count === 0 ? base : events[count - 1];
      // A cursor of an older writer: only the store knows what has become of its event.
      if (position.epoch !== before?.epoch) return undefined;
      return events.slice(count);
    },
    add(position, stored) {
      if (position.seq > lastSeq()) restart(position);
      const fresh = stored.events.filter((event) => event.seq > lastSeq());
      if (fresh.length === 0) return;
      for (const event of fresh) events.push(event);
      reads.push({ count: fresh.length, size: stored.size });
      size += stored.size;
      if (size > capacity) makeRoom();
    },
  };
}
