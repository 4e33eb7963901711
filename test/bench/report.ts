/** Makes of measurements what people read: one table of Millrace beside the bare pass-through. Pure. */
import type { Measurement } from './measure.ts';
import type { Scenario } from './options.ts';
import { renderTable } from './table.ts';

export interface Comparison {
  readonly scenario: Scenario;
  readonly millrace: Measurement;
  readonly bare: Measurement;
}

/** The same scenario with the event log and without it, in turns. */
export interface LogComparison {
  readonly scenario: Scenario;
  readonly on: readonly Measurement[];
  readonly off: readonly Measurement[];
}

export interface Metric {
  readonly label: string;
  readonly millrace: number | null;
  readonly bare: number | null;
  /** Millrace's value by the bare one's; null when there is nothing to divide by. */
  readonly ratio: number | null;
  /** Millrace's value less the bare one's. */
  readonly added: number | null;
}

/** With fewer streams the heap's own movements outweigh what streams take, and so does garbage at full speed; turns of one token do not meet. */
const LEAST_STREAMS_FOR_MEMORY = 20;

/** Millrace by bare; null when one is missing or there is nothing to divide by. */
export function toRatio(millrace: number | null, bare: number | null): number | null {
  return millrace === null || bare === null || bare <= 0 ? null : millrace / bare;
}

export function listMetrics({ scenario, millrace, bare }: Comparison): readonly Metric[] {
  const metric = (label: string, read: (one: Measurement) => number | null): Metric => {
    const values = { millrace: read(millrace), bare: read(bare) };
    const added = values.millrace === null || values.bare === null ? null : values.millrace - values.bare;
    return { label, ...values, ratio: toRatio(values.millrace, values.bare), added };
  };
  const isPaced = scenario.tokensPerSecond !== null && scenario.tokens > 1;
  const areTogether = isPaced && scenario.streams >= LEAST_STREAMS_FOR_MEMORY;
  const memory = areTogether ? [metric('RSS per stream, KiB', (one) => one.rssPerStream / 1024)] : [];
  return [
    metric('events per second', (one) => one.eventsPerSecond),
    metric('CPU per event, µs', (one) => one.cpuPerEvent),
    metric('  and its Postgres, µs', (one) => one.databaseCpuPerEvent),
    metric('latency p50, ms', (one) => one.latency.p50),
    metric('latency p99, ms', (one) => one.latency.p99),
    metric('first token p50, ms', (one) => one.firstToken.p50),
    metric('first token p99, ms', (one) => one.firstToken.p99),
    metric('RSS at most, MiB', (one) => one.peakRss / 1024 ** 2),
    ...memory,
    metric('CPU of the client, %', (one) => one.clientCpu * 100),
  ];
}

/** The means of all rounds: what the event log adds. */
export function listLogMetrics({ on, off }: LogComparison) {
  const metric = (label: string, read: (one: Measurement) => number | null) => {
    const values = { on: toMean(on.map(read)), off: toMean(off.map(read)) };
    const added = values.on === null || values.off === null ? null : values.on - values.off;
    return { label, ...values, added };
  };
  return [
    metric('events per second', (one) => one.eventsPerSecond),
    metric('CPU per event, µs', (one) => one.cpuPerEvent),
    metric('  and its Postgres, µs', (one) => one.databaseCpuPerEvent),
    metric('latency p50, ms', (one) => one.latency.p50),
    metric('latency p99, ms', (one) => one.latency.p99),
  ];
}

function toMean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length && known.length > 0
    ? known.reduce((sum, value) => sum + value, 0) / known.length
    : null;
}

export function renderLogReport(comparison: LogComparison): string {
  const rows = listLogMetrics(comparison).map(({ label, on, off, added }, index) => [
    index === 0 ? comparison.scenario.name : '',
    label,
    toText(on),
    toText(off),
    toDifference(added),
  ]);
  return renderTable({
    header: ['scenario', '', 'log on', 'log off', 'added'],
    align: ['left', 'left', 'right', 'right', 'right'],
    groups: [rows],
  });
}

function toDifference(added: number | null): string {
  return added === null ? '–' : `${added < 0 ? '−' : '+'}${toText(Math.abs(added))}`;
}

export function renderReport(comparisons: readonly Comparison[]): string {
  const groups = comparisons.map((comparison) =>
    listMetrics(comparison).map(({ label, millrace, bare, ratio, added }, index) => [
      index === 0 ? comparison.scenario.name : '',
      label,
      toText(millrace),
      toText(bare),
      ratio === null ? '–' : `${toText(ratio)}×`,
      toDifference(added),
    ]),
  );
  return renderTable({
    header: ['scenario', '', 'Millrace', 'bare', 'ratio', 'added'],
    align: ['left', 'left', 'right', 'right', 'right', 'right'],
    groups,
  });
}

/** Three digits that count, and thousands apart. */
export function toText(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const fixed = value.toFixed(digits);
  return digits > 0 ? fixed : fixed.replace(/\B(?=(\d{3})+$)/g, ',');
}
