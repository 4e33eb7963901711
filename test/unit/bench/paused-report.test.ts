import { describe, expect, it } from 'vitest';
import type { Measurement } from '../../bench/measure.ts';
import { toPausedScenario } from '../../bench/options.ts';
import type { PausedMeasurement } from '../../bench/paused.ts';
import { listPausedMetrics, renderPaused } from '../../bench/paused-report.ts';

const MIB = 1024 ** 2;
const ALONE: Measurement = {
  events: 1_000,
  eventsPerSecond: 500,
  cpuPerEvent: 20,
  databaseCpuPerEvent: 5,
  latency: { p50: 1, p99: 10 },
  firstToken: { p50: 2, p99: 20 },
  peakRss: 200 * MIB,
  rssPerStream: 0,
  clientCpu: 0.1,
  upstreamCpu: 0.1,
};
const MEASURED: PausedMeasurement = {
  before: ALONE,
  beside: { ...ALONE, latency: { p50: 1, p99: 12 } },
  after: { ...ALONE, latency: { p50: 1, p99: 14 } },
  paused: {
    idleRss: 100 * MIB,
    fullRss: 150 * MIB,
    waitingBytes: 12 * 256 * 1024,
    cutAfterMs: 31_000,
    result: { resumed: 12, losses: [], events: 99 },
  },
};

describe('the report on paused readers', () => {
  it('divides by the mean of the runs without them', () => {
    const find = (name: string) => listPausedMetrics(MEASURED).find(({ label }) => label.startsWith(name));
    expect(find('latency p99')).toMatchObject({ before: 10, beside: 12, after: 14, ratio: 1 });
    expect(find('CPU')).toMatchObject({ ratio: 1 });
  });

  it('says what waited, when the last was cut, and what each lost', () => {
    const scenario = toPausedScenario({ quick: true });
    const text = renderPaused(scenario, MEASURED);
    expect(text).toContain('256 KiB waited for each');
    expect(text).toContain('The last was cut 31.0 s after all had stopped. 12 of 12 resumed');
    const lossy = { ...MEASURED.paused, result: { resumed: 11, losses: ['sse 3: a hole'], events: 9 } };
    expect(renderPaused(scenario, { ...MEASURED, paused: lossy })).toContain(
      '1 lost something.\n  sse 3: a hole',
    );
  });
});
