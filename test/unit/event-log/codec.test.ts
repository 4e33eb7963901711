/** The codec of the event log: what is written is what is read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEvents, encodeEvents } from '../../../src/event-log/codec.ts';
import { toEvent } from '../../support/events.ts';

const text = fc.string({ unit: 'grapheme' });
const bodies = fc.oneof(
  fc.record({ type: fc.constant('token' as const), chunkId: fc.nat(), token: text }),
  fc.record({ type: fc.constant('reasoning' as const), delta: text }),
  fc.record({ type: fc.constant('turn_complete' as const), answer: text }),
);

describe('the codec', () => {
  it('gives back every event with its position', () => {
    fc.assert(
      fc.property(fc.array(bodies, { minLength: 1 }), fc.integer({ min: 1, max: 1e6 }), (list, firstSeq) => {
        const events = list.map((body, index) => toEvent(body, firstSeq + index, { epoch: 3 }));
        const read = decodeEvents(encodeEvents(events), {
          turnId: events[0]?.turnId ?? '',
          firstSeq,
          epoch: 3,
        });
        expect(read).toEqual(events);
      }),
    );
  });

  it('keeps a token to its time, number and text', () => {
    const event = toEvent({ type: 'token', chunkId: 7, token: 'Hi' }, 2);
    expect(JSON.parse(encodeEvents([event]))).toEqual([[event.at, 7, 'Hi']]);
  });
});
