import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createSplitter } from '../../bench/event-stream.ts';
import { parseStat } from '../../bench/postgres-usage.ts';
import { readStamps, STAMP_WIDTH, toStamp } from '../../bench/stamp.ts';
import { createTally } from '../../bench/tally.ts';
import { createTurnReader } from '../../bench/turn-reader.ts';

describe('stamps', () => {
  it('are read as they were written, one by one and merged, and are all of one width', () => {
    const times = [0, 1, 1_700_000_123_456, 36 ** 9 - 1];
    const texts = times.map(toStamp);
    expect(texts.map((text) => text.length)).toEqual(times.map(() => STAMP_WIDTH));
    expect(texts.flatMap(readStamps)).toEqual(times);
    expect(readStamps(texts.join(''))).toEqual(times);
  });

  it.each([toStamp(4).slice(1), `${toStamp(4)} `, `${toStamp(4)} !!!!!!!!!`])(
    'are refused when broken: "%s"',
    (text) => {
      expect(() => readStamps(text)).toThrow('a token is broken');
    },
  );
});

describe('the tally', () => {
  const clock = { micros: 0 };
  const at = (micros: number) => {
    clock.micros = micros;
  };

  it('measures each token from its own stamp, the first one from the question, and the whole', () => {
    const tally = createTally(() => clock.micros);
    const sink = tally.openStream();
    at(1_000);
    sink.ask();
    at(5_000);
    sink.receive('');
    sink.receive(toStamp(4_000));
    at(9_000);
    sink.receive(toStamp(6_000) + toStamp(7_000));
    at(11_000);
    sink.end();
    expect(tally.summarize()).toEqual({
      tokens: 3,
      checksums: [crc32(toStamp(4_000) + toStamp(6_000) + toStamp(7_000))],
      latency: { p50: 2, p99: 3 },
      firstToken: { p50: 4, p99: 4 },
      durationMs: 10,
    });
  });

  it('sorts the checksums of streams, whichever ended first', () => {
    const tally = createTally(() => 1);
    const texts = [toStamp(1), toStamp(2), toStamp(3)];
    for (const text of texts) {
      const sink = tally.openStream();
      sink.receive(text);
      sink.end();
    }
    const expected = texts.map((text) => crc32(text)).toSorted((a, b) => a - b);
    expect(tally.summarize().checksums).toEqual(expected);
  });
});

describe('the turn reader', () => {
  const open = () => {
    const tally = createTally(() => 1);
    return { tally, reader: createTurnReader(tally.openStream()) };
  };
  const event = (seq: number, more: object = {}) => ({
    data: { streamingQuery: { __typename: 'StartEvent', fromSeq: seq, seq, ...more } },
  });
  const token = (seq: number, micros: number) => event(seq, { token: toStamp(micros) });

  it('passes a whole turn on', () => {
    const { reader, tally } = open();
    reader.read(event(1));
    reader.read(token(2, 7));
    reader.read(event(3, { fromSeq: 3, seq: 5, token: toStamp(8) + toStamp(9) }));
    reader.read(event(6, { answer: [7, 8, 9].map(toStamp).join('') }));
    reader.read(event(7, { __typename: 'EndEvent' }));
    reader.complete();
    expect(tally.summarize()).toMatchObject({ tokens: 3, checksums: [expect.any(Number)] });
  });

  it.each([
    ['a gap', [event(1), event(3)], 'event 3 came after event 1'],
    ['a repetition', [event(1), event(1)], 'event 1 came after event 1'],
    ['another answer', [token(1, 7), event(2, { answer: 'no' })], 'the answer is not its tokens joined'],
    ['a bad end', [event(1, { __typename: 'InterruptedEvent' })], 'a turn ended with'],
    ['a refusal', [{ errors: [{ message: 'No.' }] }], 'refused: No.'],
  ])('refuses %s', (_, results, message) => {
    const { reader } = open();
    expect(() => {
      for (const result of results) reader.read(result);
    }).toThrow(message);
  });

  it('refuses a stream without an end', () => {
    const { reader } = open();
    reader.read(event(1));
    expect(() => reader.complete()).toThrow('without EndEvent');
  });
});

describe('the event stream', () => {
  const stream = ':\n\nevent: next\ndata: {"a":1}\n\ndata: {"b":2}\n\nevent: complete\ndata:\n\n';

  it.each([1, 3, 7, stream.length])('is the same in pieces of %i characters', (size) => {
    const seen: string[] = [];
    const feed = createSplitter((text) => seen.push(text));
    for (let start = 0; start < stream.length; start += size) feed(stream.slice(start, start + size));
    expect(seen).toEqual(['{"a":1}', '{"b":2}']);
  });
});

describe('parseStat', () => {
  it('reads a line whose name has spaces and brackets in it', () => {
    const line = '4711 (postgres: a) b) S 42 1 1 0 -1 4194560 900 0 0 0 12 3 40 5 20 0 1 0 99 1000 200';
    expect(parseStat(line)).toEqual({ parent: 42, ownMicros: 150_000, endedMicros: 450_000 });
  });
});
