import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import type { EventLog, ReadStep } from '../../../src/event-log/event-log.ts';
import { followTurn } from '../../../src/turns/follow-turn.ts';
import type { LoggedEvent, TurnEvent } from '../../../src/types/turn-event.ts';
import { createTurn } from '../../support/graphql.ts';
import { toEvent, toTokens } from '../../support/turn-events.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A log of which the test says what a reader finds, one step after another. */
function toLog(steps: readonly (readonly TurnEvent[])[]): EventLog {
  const left = [...steps];
  const read = async (): Promise<ReadStep> => {
    const events = left.shift();
    return events ? { kind: 'events', events: events as readonly LoggedEvent[] } : { kind: 'ended' };
  };
  return { read, lastSeq: () => undefined } as unknown as EventLog;
}

/** The sequence numbers of each batch, for a reader that takes so many milliseconds over each. */
async function follow(log: EventLog, takesMs: readonly number[]): Promise<readonly (readonly number[])[]> {
  const deps = { database: {} as Database, eventLog: log, stallMs: 30_000 };
  const options = { turn: createTurn({ status: 'RUNNING', lastSeq: 0 }), minIntervalMs: 0 };
  const batches: (readonly number[])[] = [];
  for await (const batch of await followTurn(deps, options, new AbortController().signal)) {
    vi.advanceTimersByTime(takesMs[batches.length] ?? 0);
    batches.push(batch.map(({ seq }) => seq));
  }
  return batches;
}

const warning = toEvent(9, { type: 'warning', warning: 'HISTORY_TRUNCATED', message: 'Two were left out' });
const STEPS = [toTokens(['a', 'b', 'c']), toTokens(['d', 'e', 'f'], 4), toTokens(['g', 'h'], 7), [warning]];

describe('a follower', () => {
  it('gets event for event while its reader keeps up, in a replay too', async () => {
    expect(await follow(toLog(STEPS), [900, 900, 900])).toEqual([[1, 2, 3], [4, 5, 6], [7, 8], [9]]);
  });

  it('whose reader took long over a batch gets the next one merged, and single events when it has caught up', async () => {
    expect(await follow(toLog(STEPS), [1_100, 0, 0])).toEqual([[1, 2, 3], [6], [7, 8], [9]]);
  });
});
