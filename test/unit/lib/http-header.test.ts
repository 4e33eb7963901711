/** What a header can carry. */
import { describe, expect, it } from 'vitest';
import { isHeaderName, isHeaderValue } from '../../../src/lib/http-header.ts';

describe('isHeaderName', () => {
  it.each(['Authorization', 'x-api-key', '__proto__'])('is true of %j', (name) => {
    expect(isHeaderName(name)).toBe(true);
  });

  it.each(['', 'a b', 'a:b', 'a\r\nb', 'ä', 'a\0', 'a'.repeat(257)])('is false of %j', (name) => {
    expect(isHeaderName(name)).toBe(false);
  });
});

describe('isHeaderValue', () => {
  it.each(['', 'Bearer abc', 'a\tb', 'café'])('is true of %j', (value) => {
    expect(isHeaderValue(value)).toBe(true);
  });

  it.each(['a\r\nX-Evil: 1', 'a\n', 'a\0b', '\u007f', 'a\u2028b', '中'])('is false of %j', (value) => {
    expect(isHeaderValue(value)).toBe(false);
  });
});
