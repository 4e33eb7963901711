/** The writer of one turn: gives positions, feeds the tail and hands batches to the flusher. No SQL here. */
import type { LoggedEvent, TurnEventBody } from '../types/turn-event.ts';
import type { EventBatch, TurnLease, TurnWriter } from './event-log.ts';
import { createPendingEvents } from './pending-events.ts';
import type { Tail } from './tail.ts';

/** What the flusher sees of a writer. */
export interface FlushSource {
  readonly lease: TurnLease;
  /** Up to here everything is known to be stored. */
  readonly storedSeq: number;
  /** Events that are not known to be stored. */
  readonly pendingCount: number;
  /** The next batch to store; undefined when there is none now. Each batch taken is settled. */
  take(): EventBatch | undefined;
  settle(outcome: 'stored' | 'failed' | 'lost'): void;
}

export interface WriterHooks {
  now(): number;
  /** There is something to store. */
  onPending(): void;
  /** The writer is done, sealed or abandoned. */
  onClosed(): void;
  onLost(): void;
}

export function createTurnWriter(lease: TurnLease, tail: Tail, hooks: WriterHooks): TurnWriter & FlushSource {
  const pending = createPendingEvents(lease, tail.lastSeq);
  let closing = false;

  /** The bodies as the events that follow the last one. */
  const position = (bodies: readonly TurnEventBody[]): LoggedEvent[] => {
    const at = hooks.now();
    const first = tail.lastSeq + 1;
    return bodies.map((body, index) => {
      const seq = first + index;
      return { ...body, turnId: lease.turnId, epoch: lease.fence, fromSeq: seq, seq, at };
    });
  };
  /** With its last events when the turn is sealed; without any when it is given up. */
  const close = (last?: readonly LoggedEvent[]): void => {
    if (tail.closed) return;
    closing = true;
    if (last) tail.push(last);
    if (last) tail.markStored(tail.lastSeq);
    tail.close();
    hooks.onClosed();
  };

  return {
    lease,
    get lastSeq() {
      return tail.lastSeq;
    },
    get storedSeq() {
      return pending.storedSeq;
    },
    get pendingCount() {
      return pending.size;
    },
    get sealing() {
      return closing;
    },
    append(bodies) {
      if (closing || bodies.length === 0) return;
      const events = position(bodies);
      pending.add(events);
      tail.push(events);
      hooks.onPending();
    },
    async prepareSeal(terminal) {
      closing = true;
      await pending.settled();
      const last = position([terminal]);
      return { batches: pending.rest(last), lastSeq: tail.lastSeq + 1, deliver: () => close(last) };
    },
    stall: () => tail.stall(),
    abandon: () => close(),
    take: () => (closing ? undefined : pending.take()),
    settle(outcome) {
      pending.settle(outcome === 'stored');
      tail.markStored(pending.storedSeq);
      if (outcome !== 'lost') return;
      close();
      hooks.onLost();
    },
  };
}
