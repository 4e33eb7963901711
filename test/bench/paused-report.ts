/** Makes of the measurements with paused readers what people read. Pure. */
import type { Measurement } from './measure.ts';
import type { PausedScenario } from './options.ts';
import type { PausedMeasurement } from './paused.ts';
import { toRatio, toText } from './report.ts';
import { renderTable } from './table.ts';

const MIB = 1024 ** 2;

export interface PausedMetric {
  readonly label: string;
  readonly before: number;
  readonly beside: number;
  readonly after: number;
  /** Beside paused readers by the mean of the two runs without. */
  readonly ratio: number | null;
}

export function listPausedMetrics({ before, beside, after }: PausedMeasurement): readonly PausedMetric[] {
  const metric = (label: string, read: (one: Measurement) => number): PausedMetric => {
    const values = { before: read(before), beside: read(beside), after: read(after) };
    return { label, ...values, ratio: toRatio(values.beside, (values.before + values.after) / 2) };
  };
  return [
    metric('latency p50, ms', (one) => one.latency.p50),
    metric('latency p99, ms', (one) => one.latency.p99),
    metric('first token p99, ms', (one) => one.firstToken.p99),
    metric('CPU per event, µs', (one) => one.cpuPerEvent),
    metric('RSS at most, MiB', (one) => one.peakRss / MIB),
  ];
}

export function renderPaused({ normal, readers }: PausedScenario, measured: PausedMeasurement): string {
  const { idleRss, fullRss, waitingBytes, cutAfterMs, result } = measured.paused;
  const table = renderTable({
    header: [`${normal.name} readers`, 'alone', `beside ${readers} paused`, 'alone again', 'ratio'],
    align: ['left', 'right', 'right', 'right', 'right'],
    groups: [
      listPausedMetrics(measured).map(({ label, before, beside, after, ratio }) => [
        label,
        toText(before),
        toText(beside),
        toText(after),
        ratio === null ? '–' : `${toText(ratio)}×`,
      ]),
    ],
  });
  const perReader = (bytes: number): string => toText(bytes / readers / 1024);
  return `${table}

Paused readers: ${readers}, on WebSocket, SSE and multipart in turn, stopped at TCP level while tokens flowed.
Memory with all of them stopped: RSS ${toText(fullRss / MIB)} MiB, idle ${toText(idleRss / MIB)} MiB; ${perReader(waitingBytes)} KiB waited for each.
The last was cut ${toText(cutAfterMs / 1e3)} s after all had stopped. ${result.resumed} of ${readers} resumed and read ${result.events} events in all; ${result.losses.length} lost something.${result.losses.map((loss) => `\n  ${loss}`).join('')}`;
}
