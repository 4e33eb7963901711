import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { paceDeltas } from '../../../src/turns/pace-deltas.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import { toEvent, toTokens } from '../../support/turn-events.ts';

const INTERVAL_MS = 1_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Arrival {
  readonly at: number;
  readonly type: string;
  readonly fromSeq: number;
  readonly seq: number;
}

const warning = (seq: number): TurnEvent =>
  toEvent(seq, { type: 'warning', warning: 'HISTORY_TRUNCATED', message: 'Two turns were left out' });
const end = (seq: number): TurnEvent => toEvent(seq, { type: 'turn_complete', answer: 'ab' });

/** Batches at times, in milliseconds from now; the iterable ends after the last, or fails. */
async function* at(
  batches: readonly (readonly [ms: number, events: readonly TurnEvent[]])[],
  failure?: Error,
): AsyncGenerator<readonly TurnEvent[]> {
  const begin = performance.now();
  for (const [ms, events] of batches) {
    const wait = begin + ms - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    yield events;
  }
  if (failure) throw failure;
}

/** What a reader gets that asks again at once, and when. */
async function read(
  batches: AsyncIterable<readonly TurnEvent[]>,
  signal = new AbortController().signal,
): Promise<readonly Arrival[]> {
  const begin = performance.now();
  const arrivals: Arrival[] = [];
  const reading = (async () => {
    for await (const batch of paceDeltas(batches, INTERVAL_MS, signal))
      for (const { type, fromSeq, seq } of batch)
        arrivals.push({ at: Math.round(performance.now() - begin), type, fromSeq, seq });
  })();
  await vi.advanceTimersByTimeAsync(20 * INTERVAL_MS);
  await reading;
  return arrivals;
}

const token = (time: number, fromSeq: number, seq = fromSeq): Arrival => ({
  at: time,
  type: 'token',
  fromSeq,
  seq,
});

describe('paced deltas', () => {
  it('come at once first, then one at a time, merged while they wait', async () => {
    const live = Array.from({ length: 30 }, (_, index) => [index * 110, toTokens(['x'], index + 1)] as const);
    expect(await read(at(live))).toEqual([
      token(0, 1),
      token(1_000, 2, 10),
      token(2_000, 11, 19),
      token(3_000, 20, 28),
      token(4_000, 29, 30),
    ]);
  });

  it('of a replay are one delta, however many batches they came in', async () => {
    const pages = Array.from({ length: 10 }, (_, page) => [0, toTokens(['a', 'b'], 2 * page + 1)] as const);
    expect(await read(at([...pages, [0, [end(21)]]]))).toEqual([
      token(0, 1, 2),
      token(1_000, 3, 20),
      { at: 1_000, type: 'turn_complete', fromSeq: 21, seq: 21 },
    ]);
  });

  it('are not two in one time because another event stands between them', async () => {
    const batch = [...toTokens(['a']), warning(2), ...toTokens(['b', 'c'], 3), end(5)];
    expect(await read(at([[0, batch]]))).toEqual([
      token(0, 1),
      { at: 0, type: 'warning', fromSeq: 2, seq: 2 },
      token(1_000, 3, 4),
      { at: 1_000, type: 'turn_complete', fromSeq: 5, seq: 5 },
    ]);
  });

  it('hold up no other event that comes when none of them waits', async () => {
    const batches = [
      [0, toTokens(['a'])],
      [300, [warning(2)]],
      [400, [end(3)]],
    ] as const;
    expect((await read(at(batches))).map(({ at: time, type }) => [time, type])).toEqual([
      [0, 'token'],
      [300, 'warning'],
      [400, 'turn_complete'],
    ]);
  });

  it('do not wait when the time has passed in silence', async () => {
    const batches = [
      [0, toTokens(['a'])],
      [1_700, toTokens(['b'], 2)],
      [1_800, toTokens(['c'], 3)],
    ] as const;
    expect(await read(at(batches))).toEqual([token(0, 1), token(1_700, 2), token(2_700, 3)]);
  });

  it('stop with the signal, also while one waits', async () => {
    const controller = new AbortController();
    async function* leaveWhileOneWaits() {
      yield* at([
        [0, toTokens(['a'])],
        [100, toTokens(['b'], 2)],
      ]);
      controller.abort();
    }
    expect(await read(leaveWhileOneWaits(), controller.signal)).toEqual([token(0, 1)]);
  });

  it('pass a failure on once, and leave unsent what a later cursor brings again', async () => {
    const failure = new Error('the log is gone');
    const batches = at(
      [
        [0, toTokens(['a'])],
        [10, toTokens(['b'], 2)],
      ],
      failure,
    );
    const seen: number[] = [];
    const reading = (async () => {
      for await (const batch of paceDeltas(batches, INTERVAL_MS, new AbortController().signal))
        for (const { seq } of batch) seen.push(seq);
    })();
    const failed = expect(reading).rejects.toBe(failure);
    await vi.advanceTimersByTimeAsync(20 * INTERVAL_MS);
    await failed;
    expect(seen).toEqual([1]);
  });

  it('hold no more than a bounded text for one reader', async () => {
    let asked = 0;
    const piece = 'x'.repeat(64 * 1024);
    async function* endless(): AsyncGenerator<readonly TurnEvent[]> {
      for (;;) {
        asked += 1;
        yield toTokens([piece], asked);
      }
    }
    const paced = paceDeltas(endless(), INTERVAL_MS, new AbortController().signal);
    await paced.next();
    const second = paced.next();
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect((await second).value).toMatchObject([{ fromSeq: 2, seq: 5 }]);
    expect(asked).toBe(5);
    await paced.return(undefined);
  });
});
