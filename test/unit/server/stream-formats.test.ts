import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STREAM_FORMATS } from '../../../src/server/stream-formats.ts';

describe('server-sent events', () => {
  const { encode } = STREAM_FORMATS['text/event-stream'];

  it('keep any text in one frame of two lines', () => {
    const property = fc.property(fc.string({ unit: 'binary' }), (text) => {
      const frame = encode({ data: { text } });
      expect(frame.split(/\r\n|\r|\n/)).toEqual(['event: next', expect.stringMatching(/^data: /), '', '']);
      expect(JSON.parse(frame.slice(frame.indexOf('{')))).toEqual({ data: { text } });
    });
    fc.assert(property);
  });

  it.each(['\n\ndata: {}', '\r', '\u2028event: complete'])('carry %j', (text) => {
    expect(encode({ data: { text } }).match(/\n/g)).toHaveLength(3);
  });
});

describe('multipart', () => {
  const format = STREAM_FORMATS['multipart/mixed'];

  it.each(['\r\n--graphql', '--graphql--', '\r\n\r\n'])('carries %j within one part', (text) => {
    const body = `${format.opening}${format.encode({ data: { text } })}${format.closing}`;
    const parts = body.split('\r\n--graphql');
    expect(parts).toHaveLength(3);
    expect(parts.at(-1)).toBe('--\r\n');
    expect(JSON.parse(parts[1]?.split('\r\n\r\n')[1] ?? '')).toEqual({ payload: { data: { text } } });
  });

  it('keeps alive with an empty object', () => {
    expect(format.keepAlive).toMatch(/^\r\ncontent-type: application\/json\r\n\r\n\{\}\r\n--graphql$/);
  });
});
