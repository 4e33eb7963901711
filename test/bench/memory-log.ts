/** An event log that stores nothing: what is left of the cost of Millrace when its log is off. Turns are followed on their node, while they run. */
import { AppError } from '../../src/errors.ts';
import type {
  EventLog,
  LogPosition,
  ReadStep,
  TurnLease,
  TurnWriter,
} from '../../src/event-log/event-log.ts';
import { createTail, type Tail } from '../../src/event-log/tail.ts';
import type { LoggedEvent, TurnEventBody } from '../../src/types/turn-event.ts';

export function createMemoryLog(): EventLog {
  const tails = new Map<string, Tail>();
  return {
    open(lease, first) {
      const tail = createTail(lease.fence, first, 'async');
      tails.set(lease.turnId, tail);
      return createWriter(lease, tail, () => void tails.delete(lease.turnId));
    },
    read: ({ turnId, seq }, signal) => read(tails.get(turnId), seq, signal),
    lastSeq: (turnId) => tails.get(turnId)?.lastSeq,
    store: async () => {},
    readAll: async () => ({ events: [], lastSeq: 0, isDamaged: false }),
    recordEpoch: async () => {},
    announce: () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

function createWriter(lease: TurnLease, tail: Tail, onClosed: () => void): TurnWriter {
  let sealing = false;
  const place = (bodies: readonly TurnEventBody[]): LoggedEvent[] => {
    const at = Date.now();
    const first = tail.lastSeq + 1;
    return bodies.map((body, index) => {
      const seq = first + index;
      return { ...body, turnId: lease.turnId, epoch: lease.fence, fromSeq: seq, seq, at };
    });
  };
  const push = (events: readonly LoggedEvent[]): void => {
    tail.push(events);
    tail.markStored(tail.lastSeq);
  };
  const close = (last: readonly LoggedEvent[]): void => {
    if (tail.closed) return;
    push(last);
    tail.close();
    onClosed();
  };
  return {
    lease,
    get lastSeq() {
      return tail.lastSeq;
    },
    get sealing() {
      return sealing;
    },
    append: (bodies) => push(place(bodies)),
    async prepareSeal(terminal) {
      sealing = true;
      const last = place([terminal]);
      return { batches: [], lastSeq: tail.lastSeq + 1, deliver: () => close(last) };
    },
    stall: () => tail.stall(),
    abandon: () => close([]),
  };
}

async function read(
  tail: Tail | undefined,
  seq: LogPosition['seq'],
  signal: AbortSignal,
): Promise<ReadStep | undefined> {
  while (tail && !signal.aborted) {
    const events = tail.after(seq);
    if (events === undefined) break;
    if (events.length > 0) return { kind: 'events', events };
    if (tail.closed) return { kind: 'ended' };
    await tail.changed(signal);
  }
  if (signal.aborted) return undefined;
  throw new AppError('DEPENDENCY_UNAVAILABLE', 'The log is off, and the turn is not in memory');
}
