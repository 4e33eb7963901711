/** The events of one turn on their way to the log: what waits, and the one batch whose write is not yet confirmed. No I/O. */
import type { LoggedEvent } from '../types/turn-event.ts';
import { encodeEvents } from './codec.ts';
import type { EventBatch, TurnLease } from './event-log.ts';

export interface PendingEvents {
  /** Sequence number up to which everything is stored. */
  readonly storedSeq: number;
  /** Events that are not known to be stored. */
  readonly size: number;
  add(events: readonly LoggedEvent[]): void;
  /**
   * The next batch to store, or undefined when there is none or one is on its way.
   * A batch whose write failed is offered again with the same bounds: the write may have happened all the same.
   */
  take(): EventBatch | undefined;
  settle(stored: boolean): void;
  /** Resolves when no write is on its way. */
  settled(): Promise<void>;
  /** Everything that is not known to be stored, with the given events at the end. */
  rest(last: readonly LoggedEvent[]): readonly EventBatch[];
}

function toBatch(lease: TurnLease, events: readonly LoggedEvent[]): EventBatch {
  return {
    ...lease,
    firstSeq: events[0]?.seq ?? 0,
    lastSeq: events.at(-1)?.seq ?? 0,
    events: encodeEvents(events),
  };
}

export function createPendingEvents(lease: TurnLease, firstStored: number): PendingEvents {
  let waiting: LoggedEvent[] = [];
  let unconfirmed: EventBatch | undefined;
  let write: PromiseWithResolvers<void> | undefined;
  let storedSeq = firstStored;

  return {
    get storedSeq() {
      return storedSeq;
    },
    get size() {
      return waiting.length + (unconfirmed ? unconfirmed.lastSeq - unconfirmed.firstSeq + 1 : 0);
    },
    add(events) {
      for (const event of events) waiting.push(event);
    },
    take() {
      if (write || (!unconfirmed && waiting.length === 0)) return undefined;
      if (!unconfirmed) {
        unconfirmed = toBatch(lease, waiting);
        waiting = [];
      }
      write = Promise.withResolvers();
      return unconfirmed;
    },
    settle(stored) {
      if (stored && unconfirmed) {
        storedSeq = unconfirmed.lastSeq;
        unconfirmed = undefined;
      }
      write?.resolve();
      write = undefined;
    },
    settled: async () => write?.promise,
    rest: (last) => [...(unconfirmed ? [unconfirmed] : []), toBatch(lease, [...waiting, ...last])],
  };
}
