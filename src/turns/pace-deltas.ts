/** Hands out at most one delta in a time: those that come sooner are merged while they wait. No I/O. */
import { delay } from '../lib/abort.ts';
import type { TurnEvent } from '../types/turn-event.ts';
import { isDelta, mergeDeltas, toDeltaLength } from './merge-deltas.ts';

type Batches = AsyncIterable<readonly TurnEvent[]>;

/** A delta that has grown to this many characters grows no further: what waits for one follower is bounded. */
const MAX_HELD_CHARS = 256 * 1024;

/** How many of the events may leave now: none beyond the first delta, and not that one either while it is early. */
function countDue(events: readonly TurnEvent[], isEarly: boolean): number {
  const first = events.findIndex(isDelta);
  if (first === -1) return events.length;
  if (isEarly) return first;
  const second = events.findIndex((event, index) => index > first && isDelta(event));
  return second === -1 ? events.length : second;
}

/** Whether what comes next may still become part of the delta that waits. */
function canGrow(held: readonly TurnEvent[]): boolean {
  return held.length === 1 && held.every((event) => toDeltaLength(event) < MAX_HELD_CHARS);
}

/**
 * The same events in the same order, deltas merged so that one follows another after `minIntervalMs` at the earliest.
 * The first one does not wait, nor does any other event but behind a delta that has to. After an abort, which must end
 * the source too, nothing follows; a failure of the source comes at once, with what is held back still unseen.
 */
export async function* paceDeltas(
  batches: Batches,
  minIntervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<readonly TurnEvent[]> {
  const source = batches[Symbol.asyncIterator]();
  let held: readonly TurnEvent[] = [];
  let freeAt = Number.NEGATIVE_INFINITY;
  let pull: Promise<IteratorResult<readonly TurnEvent[]>> | undefined;
  let ended = false;

  const fill = async (limit?: Promise<void>): Promise<void> => {
    if (!pull) {
      pull = source.next();
      // It may fail while nobody waits for it; whoever does next hears of it.
      pull.catch(() => undefined);
    }
    const step = await (limit ? Promise.race([pull, limit]) : pull);
    if (!step) return;
    pull = undefined;
    if (step.done) ended = true;
    else held = mergeDeltas([...held, ...step.value]);
  };
  /** Until the delta that waits may leave; as long as it can, it takes in what comes. */
  const wait = async (): Promise<void> => {
    let isDue = false;
    const due = delay(freeAt - performance.now(), signal).then(() => {
      isDue = true;
    });
    while (!isDue) await (ended || !canGrow(held) ? due : fill(due));
  };

  try {
    while (!signal.aborted && !(ended && held.length === 0)) {
      if (held.length === 0) await fill();
      const due = held.slice(0, countDue(held, performance.now() < freeAt));
      if (due.length > 0) {
        held = held.slice(due.length);
        if (due.some(isDelta)) freeAt = performance.now() + minIntervalMs;
        yield due;
      } else if (held.length > 0) await wait();
    }
  } finally {
    // Nobody waits for a source that may be waiting itself; it ends with the signal.
    source.return?.()?.catch(() => undefined);
  }
}
