/** One look at the stored log: what comes after a position. Whether to wait for more is decided by those who look. */
import type { Database } from '../db/client.ts';
import type { LogPosition, ReadStep } from './event-log.ts';
import { selectEventsAfter, selectOvertaking, selectState } from './postgres-store.ts';

export interface Look {
  readonly step: ReadStep;
  /** Of the events, in characters as they are stored. */
  readonly size: number;
}

const toLook = (step: ReadStep): Look => ({ step, size: 0 });

/** Undefined when there is nothing new yet. Throws DEPENDENCY_UNAVAILABLE. */
export function look(database: Database, position: LogPosition): Promise<Look | undefined> {
  return database.asWorker(async (tx) => {
    const state = await selectState(tx, position.turnId);
    if (!state) return toLook({ kind: 'expired' });
    // After the state: a take-over that ended the turn is then certain to be seen here.
    const mayBeOvertaken = position.seq > 0 && state.fence > position.epoch;
    const overtaking = mayBeOvertaken ? await selectOvertaking(tx, position) : undefined;
    if (overtaking) return toLook({ kind: 'reset', afterSeq: overtaking.firstSeq - 1, epoch: state.fence });
    const { events, size } = await selectEventsAfter(tx, position);
    const first = events[0];
    if (first)
      return first.seq === position.seq + 1
        ? { step: { kind: 'events', events }, size }
        : toLook({ kind: 'expired' });
    if (state.status === 'RUNNING') return undefined;
    if (position.seq < state.lastSeq) return toLook({ kind: 'expired' });
    return toLook({ kind: position.seq > state.lastSeq ? 'beyond' : 'ended' });
  }, 'read');
}
