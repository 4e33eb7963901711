/** Merges neighbouring deltas of one kind into one event. When that is done is the follower's to say. Pure. */
import type { TurnEvent } from '../types/turn-event.ts';

type Delta = Extract<TurnEvent, { readonly type: 'token' | 'reasoning' }>;

export function isDelta(event: TurnEvent): event is Delta {
  return event.type === 'token' || event.type === 'reasoning';
}

/** Characters that a delta carries. */
export function toDeltaLength(event: TurnEvent): number {
  if (event.type === 'token') return event.token.length;
  return event.type === 'reasoning' ? event.delta.length : 0;
}

function mergeRun(run: readonly Delta[]): TurnEvent | undefined {
  const first = run[0];
  const last = run.at(-1);
  if (!first || !last || first === last) return first;
  const position = {
    turnId: last.turnId,
    epoch: last.epoch,
    fromSeq: first.fromSeq,
    seq: last.seq,
    at: last.at,
  };
  return first.type === 'token'
    ? {
        type: 'token',
        chunkId: first.chunkId,
        token: run.map((event) => (event.type === 'token' ? event.token : '')).join(''),
        ...position,
      }
    : {
        type: 'reasoning',
        delta: run.map((event) => (event.type === 'reasoning' ? event.delta : '')).join(''),
        ...position,
      };
}

/**
 * A merged event has the first part's chunkId and the last part's position; `fromSeq` is the first part's.
 * Nothing is merged across an event of another kind or of another writer.
 */
export function mergeDeltas(events: readonly TurnEvent[]): readonly TurnEvent[] {
  const merged: TurnEvent[] = [];
  let run: Delta[] = [];
  const endRun = (): void => {
    const event = mergeRun(run);
    if (event) merged.push(event);
    run = [];
  };
  for (const event of events) {
    const previous = run[0];
    if (previous && (previous.type !== event.type || previous.epoch !== event.epoch)) endRun();
    if (isDelta(event)) run.push(event);
    else merged.push(event);
  }
  endRun();
  return merged;
}
