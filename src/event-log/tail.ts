/** The in-process tail: the recent events of a turn that this node writes, and the followers that wait for more. No I/O. */
import { createNotifier } from '../lib/notifier.ts';
import type { LoggedEvent } from '../types/turn-event.ts';

/** Stored events beyond this many are dropped from memory; followers that far behind read them from the log. */
const KEEP_STORED_EVENTS = 1024;

export interface Tail {
  readonly epoch: number;
  /** Of the newest event, whether it is shown yet or not. */
  readonly lastSeq: number;
  /** Events in memory. */
  readonly size: number;
  /** True once nothing more will come: sealed, or taken over by another node. */
  readonly closed: boolean;
  /** True while the end of the turn cannot be stored: followers who have read everything should be told. */
  readonly stalled: boolean;
  push(events: readonly LoggedEvent[]): void;
  /** Events after `seq` that may be shown, possibly none; undefined when they are no longer in memory. */
  after(seq: number): readonly LoggedEvent[] | undefined;
  /** Resolves when more is shown, at a stall or close, or when the signal is aborted. */
  changed(signal: AbortSignal): Promise<void>;
  /** Everything up to and including `seq` is stored: it may be dropped, and be shown if it was not. */
  markStored(seq: number): void;
  stall(): void;
  close(): void;
}

/** The first event is stored already. With `sync`, followers see an event only when it is stored. */
export function createTail(epoch: number, first: LoggedEvent, durability: 'async' | 'sync'): Tail {
  let events: LoggedEvent[] = [first];
  let storedSeq = first.seq;
  let state: 'open' | 'stalled' | 'closed' = 'open';
  const news = createNotifier();
  const firstSeq = (): number => events[0]?.seq ?? 1;
  const lastSeq = (): number => events.at(-1)?.seq ?? 0;
  const shownSeq = (): number => (durability === 'sync' ? storedSeq : lastSeq());
  const enter = (next: typeof state): void => {
    state = next;
    news.notify();
  };

  return {
    epoch,
    get lastSeq() {
      return lastSeq();
    },
    get size() {
      return events.length;
    },
    get closed() {
      return state === 'closed';
    },
    get stalled() {
      return state === 'stalled';
    },
    push(more) {
      for (const event of more) events.push(event);
      state = 'open';
      if (durability === 'async') news.notify();
    },
    after(seq) {
      if (seq < firstSeq() - 1) return undefined;
      return seq >= shownSeq() ? [] : events.slice(seq + 1 - firstSeq(), shownSeq() + 1 - firstSeq());
    },
    changed: (signal) => (state === 'closed' ? Promise.resolve() : news.wait(signal)),
    markStored(seq) {
      const isMore = seq > storedSeq;
      storedSeq = Math.max(storedSeq, seq);
      if (isMore && durability === 'sync') news.notify();
      const droppable = Math.min(seq + 1 - firstSeq(), events.length - KEEP_STORED_EVENTS);
      if (droppable >= KEEP_STORED_EVENTS) events = events.slice(droppable);
    },
    stall: () => enter('stalled'),
    close: () => enter('closed'),
  };
}
