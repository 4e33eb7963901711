import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addIntervals, countIntervals, parseInterval } from '../../../src/lib/interval.ts';

const HOUR = 3_600_000;

describe('parseInterval', () => {
  it.each([
    ['1 day', { ms: 24 * HOUR }],
    ['12 hours', { ms: 12 * HOUR }],
    ['  1 Day  2  HOURS ', { ms: 26 * HOUR }],
    ['2 weeks', { ms: 14 * 24 * HOUR }],
    ['90 seconds', { ms: 90_000 }],
    ['1 month', { months: 1 }],
    ['1 year 6 months', { months: 18 }],
  ])('%s', (text, interval) => {
    expect(parseInterval(text)).toEqual(interval);
  });

  it.each([
    '',
    '0 days',
    'day',
    '1',
    '1 fortnight',
    '-1 day',
    '1.5 days',
    '1 month 3 days',
    '1 day, 2 hours',
    '900 years',
  ])('refuses %j', (text) => {
    expect(parseInterval(text)).toBeUndefined();
  });
});

describe('a grid of intervals', () => {
  it('keeps the day of the month, and takes the last where a month lacks it', () => {
    const start = new Date('2026-01-31T12:30:00.000Z');
    const days = [1, 2, 3, 13, -2].map((count) => addIntervals(start, { months: 1 }, count).toISOString());
    expect(days).toEqual([
      '2026-02-28T12:30:00.000Z',
      '2026-03-31T12:30:00.000Z',
      '2026-04-30T12:30:00.000Z',
      '2027-02-28T12:30:00.000Z',
      '2025-11-30T12:30:00.000Z',
    ]);
  });

  it('has every moment in exactly one step', () => {
    const moments = fc.date({
      min: new Date('2000-01-01'),
      max: new Date('2060-01-01'),
      noInvalidDate: true,
    });
    const intervals = fc.oneof(
      fc.record({ months: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ ms: fc.integer({ min: 1_000, max: 90 * 24 * HOUR }) }),
    );
    fc.assert(
      fc.property(moments, intervals, moments, (start, interval, at) => {
        const count = countIntervals(start, interval, at);
        expect(addIntervals(start, interval, count).getTime()).toBeLessThanOrEqual(at.getTime());
        expect(addIntervals(start, interval, count + 1).getTime()).toBeGreaterThan(at.getTime());
      }),
    );
  });
});
