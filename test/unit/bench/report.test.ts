import { describe, expect, it } from 'vitest';
import { findLoss, type Measurement } from '../../bench/measure.ts';
import { toPercentile } from '../../bench/percentile.ts';
import { listMetrics, renderLogReport, renderReport, toRatio, toText } from '../../bench/report.ts';
import { renderTable } from '../../bench/table.ts';

const BARE: Measurement = {
  events: 1_000,
  eventsPerSecond: 5_000,
  cpuPerEvent: 20,
  databaseCpuPerEvent: null,
  latency: { p50: 0.5, p99: 2 },
  firstToken: { p50: 1, p99: 4 },
  peakRss: 100 * 1024 ** 2,
  rssPerStream: 50 * 1024,
  clientCpu: 0.25,
  upstreamCpu: 0.5,
};
const MILLRACE: Measurement = {
  ...BARE,
  eventsPerSecond: 4_000,
  cpuPerEvent: 60,
  databaseCpuPerEvent: 8,
  latency: { p50: 1.5, p99: 1 },
};
const SCENARIO = { name: '50/s × 100', streams: 100, tokens: 10, tokensPerSecond: 50 };

describe('toPercentile', () => {
  const values = Array.from({ length: 200 }, (_, index) => index + 1);

  it('is the smallest value that so many do not exceed', () => {
    expect(toPercentile(values, 50)).toBe(100);
    expect(toPercentile(values, 99)).toBe(198);
    expect(toPercentile(values, 100)).toBe(200);
    expect(toPercentile([7], 1)).toBe(7);
  });

  it('is no number when there are no values', () => {
    expect(toPercentile([], 50)).toBeNaN();
  });
});

describe('toRatio', () => {
  it('divides by the bare value, where there is one', () => {
    expect(toRatio(60, 20)).toBe(3);
    expect(toRatio(0, 20)).toBe(0);
    expect(toRatio(null, 20)).toBeNull();
    expect(toRatio(60, null)).toBeNull();
    expect(toRatio(60, 0)).toBeNull();
  });
});

describe('listMetrics', () => {
  const metrics = listMetrics({ scenario: SCENARIO, millrace: MILLRACE, bare: BARE });
  const find = (start: string) => metrics.find(({ label }) => label.trim().startsWith(start));

  it('sets both values beside their ratio and their difference', () => {
    expect(find('CPU per event')).toMatchObject({ millrace: 60, bare: 20, ratio: 3, added: 40 });
    expect(find('latency p99')).toMatchObject({ millrace: 1, bare: 2, ratio: 0.5, added: -1 });
  });

  it('has no ratio where only Millrace has a value', () => {
    expect(find('and its Postgres')).toMatchObject({ millrace: 8, bare: null, ratio: null, added: null });
  });

  it('tells the memory of a stream only where there are enough of them', () => {
    expect(find('RSS per stream')).toMatchObject({ millrace: 50 });
    const single = listMetrics({ scenario: { ...SCENARIO, streams: 1 }, millrace: MILLRACE, bare: BARE });
    expect(single.map(({ label }) => label)).not.toContain('RSS per stream, KiB');
    expect(single.map(({ label }) => label)).toContain('RSS at most, MiB');
  });
});

describe('renderReport', () => {
  it('names each scenario once and says what there is no value for', () => {
    const text = renderReport([{ scenario: SCENARIO, millrace: MILLRACE, bare: BARE }]);
    expect(text.split(SCENARIO.name)).toHaveLength(2);
    expect(text).toMatch(/CPU per event, µs +60\.0 +20\.0 +3\.00× +\+40\.0\n/);
    expect(text).toMatch(/latency p99, ms +1\.00 +2\.00 +0\.50× +−1\.00\n/);
    expect(text).toMatch(/and its Postgres, µs +8\.00 +– +– +–\n/);
  });
});

describe('the report of the log', () => {
  const on = [MILLRACE, { ...MILLRACE, cpuPerEvent: 64 }];
  const comparison = { scenario: SCENARIO, on, off: [{ ...MILLRACE, cpuPerEvent: 55 }, BARE] };

  it('sets the means of all rounds beside each other, and what the log adds', () => {
    expect(renderLogReport(comparison)).toMatch(/CPU per event, µs +62\.0 +37\.5 +\+24\.5\n/);
    expect(renderLogReport(comparison)).toMatch(/and its Postgres, µs +8\.00 +– +–\n/);
  });
});

describe('toText', () => {
  it.each([
    [null, '–'],
    [Number.NaN, '–'],
    [0.1234, '0.12'],
    [12.34, '12.3'],
    [123.4, '123'],
    [1_234_567, '1,234,567'],
    [-1_234, '-1,234'],
  ])('writes %s as %s', (value, text) => {
    expect(toText(value)).toBe(text);
  });
});

describe('renderTable', () => {
  it('makes columns as wide as their widest cell, with a line before each group', () => {
    const align = ['left', 'right'] as const;
    const groups = [
      [['a', '1']],
      [
        ['long', '20000'],
        ['', ''],
      ],
    ];
    expect(renderTable({ header: ['name', 'n'], align, groups }).split('\n')).toEqual([
      'name      n',
      '───────────',
      'a         1',
      '───────────',
      'long  20000',
      '',
    ]);
  });
});

describe('findLoss', () => {
  const scenario = { streams: 2, tokens: 5 };
  const sent = { tokens: 10, checksums: [1, 2] };

  it('has nothing to say when every text came whole and once', () => {
    expect(findLoss(scenario, sent, { tokens: 10, checksums: [1, 2] })).toBeUndefined();
  });

  it.each([
    ['9 of 10 events came', sent, { tokens: 9, checksums: [1, 2] }],
    ['11 of 10 events came', sent, { tokens: 11, checksums: [1, 2] }],
    ['a text that came is not one that was sent', sent, { tokens: 10, checksums: [1, 3] }],
    ['15 events were sent instead of 10', { tokens: 15, checksums: [1, 2, 2] }, sent],
  ])('says that %s', (words, report, received) => {
    expect(findLoss(scenario, report, received)).toBe(words);
  });
});
