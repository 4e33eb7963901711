import { array, assert, constantFrom, property, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeDeltas } from '../../../src/turns/merge-deltas.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import { EVERY_EVENT, toEvent, toTokens } from '../../support/turn-events.ts';

const toReasoning = (seq: number, delta: string): TurnEvent => toEvent(seq, { type: 'reasoning', delta });
const toWarning = (seq: number): TurnEvent =>
  toEvent(seq, { type: 'warning', warning: 'HISTORY_TRUNCATED', message: 'Two turns were left out' });

const textOf = (events: readonly TurnEvent[], type: 'token' | 'reasoning'): string =>
  events
    .filter((event) => event.type === type)
    .map((event) => (event.type === 'token' ? event.token : event.type === 'reasoning' ? event.delta : ''))
    .join('');

const KINDS = ['token', 'reasoning', 'warning'] as const;

/** Any order of deltas and others, numbered from 1. */
const anyEvents = array(record({ kind: constantFrom(...KINDS), text: string() })).map((parts) =>
  parts.map(({ kind, text }, index): TurnEvent => {
    if (kind === 'token') return toEvent(index + 1, { type: 'token', chunkId: index, token: text });
    return kind === 'reasoning' ? toReasoning(index + 1, text) : toWarning(index + 1);
  }),
);

describe('mergeDeltas', () => {
  it('gives a merged token the first chunkId and fromSeq and the last position', () => {
    const [first, , last] = toTokens(['Blue', ' is', ' it.'], 5);
    expect(mergeDeltas(toTokens(['Blue', ' is', ' it.'], 5))).toEqual([
      { ...last, type: 'token', token: 'Blue is it.', chunkId: 0, fromSeq: first?.fromSeq },
    ]);
  });

  it('merges no delta across another event, nor with one of another kind', () => {
    const events = [...toTokens(['a', 'b']), toReasoning(3, 'c'), toWarning(4), toReasoning(5, 'd')];
    expect(mergeDeltas(events).map(({ type, fromSeq, seq }) => [type, fromSeq, seq])).toEqual([
      ['token', 1, 2],
      ['reasoning', 3, 3],
      ['warning', 4, 4],
      ['reasoning', 5, 5],
    ]);
  });

  it('merges no deltas of two writers', () => {
    const [one, two] = toTokens(['a', 'b']);
    const other = { ...two, epoch: 2 } as TurnEvent;
    expect(mergeDeltas([one as TurnEvent, other])).toEqual([one, other]);
  });

  it('leaves every event that stands alone as it is', () => {
    expect(mergeDeltas(EVERY_EVENT)).toEqual(EVERY_EVENT);
  });

  it('loses no text and leaves no gap, whatever comes in whatever order; merging again changes nothing', () => {
    assert(
      property(anyEvents, (events) => {
        const merged = mergeDeltas(events);
        let last = 0;
        for (const event of merged) {
          expect(event.fromSeq).toBe(last + 1);
          last = event.seq;
        }
        expect(last).toBe(events.length);
        for (const type of ['token', 'reasoning'] as const)
          expect(textOf(merged, type)).toBe(textOf(events, type));
        const others = (list: readonly TurnEvent[]) => list.filter(({ type }) => type === 'warning');
        expect(others(merged)).toEqual(others(events));
        expect(mergeDeltas(merged)).toEqual(merged);
      }),
    );
  });
});
