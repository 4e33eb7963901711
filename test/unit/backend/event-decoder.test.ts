import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { UpstreamEvent } from '../../../src/backend/backend.ts';
import { createEventDecoder } from '../../../src/backend/event-decoder.ts';

const backend = { id: 'fake', secrets: [] };
const encoder = new TextEncoder();

/** Decodes the pieces, then the end. */
function decodeAll(pieces: readonly Uint8Array[]): readonly UpstreamEvent[] {
  const decoder = createEventDecoder(backend);
  return [...pieces.map((piece) => decoder.decode(piece)), decoder.finish()].flatMap(({ events }) => events);
}

test('however the bytes are cut, the events are the same', () => {
  const event = fc.record({ type: fc.constant('x'), text: fc.string({ unit: 'binary' }) });
  const ends = fc.constantFrom('\n', '\r\n', '\r');
  const cuts = fc.array(fc.nat(2_000), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(event), ends, cuts, (events, end, places) => {
      const text = events.map((one) => `event: x${end}data: ${JSON.stringify(one)}${end}${end}`).join('');
      const bytes = encoder.encode(text);
      const sorted = [0, ...places.filter((place) => place < bytes.length), bytes.length].sort(
        (a, b) => a - b,
      );
      const pieces = sorted.slice(1).map((place, index) => bytes.subarray(sorted[index], place));
      expect(decodeAll(pieces)).toEqual(events);
    }),
  );
});

test('the events before a bad one are kept, and nothing is read after it', () => {
  const decoder = createEventDecoder(backend);
  const { events, failure } = decoder.decode(
    encoder.encode('data: {"a":1}\n\ndata: {"b\n\ndata: {"c":3}\n\n'),
  );
  expect(events).toEqual([{ a: 1 }]);
  expect(failure?.code).toBe('BACKEND_PROTOCOL');
  expect(decoder.decode(encoder.encode('data: {"d":4}\n\n')).events).toEqual([]);
});

test('an event that the end of the stream cuts short is BACKEND_PROTOCOL', () => {
  const decoder = createEventDecoder(backend);
  decoder.decode(encoder.encode('data: {"type":"resp'));
  expect(decoder.finish().failure?.code).toBe('BACKEND_PROTOCOL');
});

test('an event that never ends is given up before it fills the memory', () => {
  const decoder = createEventDecoder(backend);
  const piece = encoder.encode('x'.repeat(1024 * 1024));
  decoder.decode(encoder.encode('data: "'));
  const failures = Array.from({ length: 17 }, () => decoder.decode(piece).failure?.code);
  expect(failures.slice(0, 15)).toEqual(Array(15).fill(undefined));
  expect(failures.at(-1)).toBe('BACKEND_PROTOCOL');
});
