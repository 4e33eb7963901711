/** Runs a scenario against one server, checks that nothing was lost, and says what it cost. */
import { setInterval as every } from 'node:timers/promises';
import type { LoadTask } from './load.ts';
import { type Scenario, START_STEP_MS } from './options.ts';
import type { Rig, Target } from './rig.ts';
import type { LoadResult, Spread } from './tally.ts';
import type { SentReport } from './upstream.ts';
import type { Usage } from './usage.ts';

/** What one server did in one scenario. CPU times in microseconds of one core, the rest in milliseconds and bytes. */
export interface Measurement {
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly cpuPerEvent: number;
  /** Null without a database, or where its CPU time cannot be read. */
  readonly databaseCpuPerEvent: number | null;
  readonly latency: Spread;
  readonly firstToken: Spread;
  readonly peakRss: number;
  /** Above what the idle server has after the warm-up, and never less than nothing. */
  readonly rssPerStream: number;
  /** Shares of one core, to see whether the bench itself is the limit. */
  readonly clientCpu: number;
  readonly upstreamCpu: number;
}

const SAMPLE_MS = 500;
/** A stream may take this many times as long as planned, and this much longer, before the scenario counts as failed. */
const PATIENCE = 3;
const PATIENCE_MS = 30_000;
/** Slowest full speed that is waited for. */
const LEAST_EVENTS_PER_SECOND = 2_000;

/** Throws an error of one line when a stream fails, or when what came is not what was sent. */
export async function measure(
  rig: Rig,
  subject: { readonly target: Target; readonly idleRss: number },
  scenario: Scenario,
): Promise<Measurement> {
  const { target, idleRss } = subject;
  const before = await readAll(rig, target);
  const peak = watchPeak(target);
  const result = await runLoad(rig, target, scenario);
  const peakRss = await peak.stop();
  const after = await readAll(rig, target);
  const seconds = result.durationMs / 1e3;
  const spent = (name: 'server' | 'load' | 'upstream'): number =>
    after[name].cpuMicros - before[name].cpuMicros;
  const database =
    after.database === null || before.database === null ? null : after.database - before.database;
  return {
    events: result.tokens,
    eventsPerSecond: result.tokens / seconds,
    cpuPerEvent: spent('server') / result.tokens,
    databaseCpuPerEvent: database === null ? null : database / result.tokens,
    latency: result.latency,
    firstToken: result.firstToken,
    peakRss,
    rssPerStream: Math.max(0, peakRss - idleRss) / scenario.streams,
    clientCpu: spent('load') / 1e6 / seconds,
    upstreamCpu: spent('upstream') / 1e6 / seconds,
  };
}

export async function runLoad(rig: Rig, target: Target, scenario: Scenario): Promise<LoadResult> {
  const task: LoadTask = { kind: target.kind, url: target.url, scenario, timeoutMs: toTimeout(scenario) };
  const result = await rig.load.ask<LoadResult>('run', task).catch((error: Error) => {
    throw new Error(`${scenario.name} on ${target.name}: ${error.message}`);
  });
  const sent = await rig.upstream.ask<SentReport>('report');
  const loss = findLoss(scenario, sent, result);
  if (loss !== undefined) throw new Error(`${scenario.name} on ${target.name}: ${loss}`);
  return result;
}

/** What is wrong with what came, in words; undefined when every text came whole and once. */
export function findLoss(
  scenario: Pick<Scenario, 'streams' | 'tokens'>,
  sent: SentReport,
  received: Pick<LoadResult, 'tokens' | 'checksums'>,
): string | undefined {
  const expected = scenario.streams * scenario.tokens;
  if (sent.tokens !== expected) return `${sent.tokens} events were sent instead of ${expected}`;
  if (received.tokens !== expected) return `${received.tokens} of ${expected} events came`;
  const [came, left] = [received.checksums.join(), sent.checksums.join()];
  return came === left ? undefined : 'a text that came is not one that was sent';
}

function toTimeout({ streams, tokens, tokensPerSecond }: Scenario): number {
  const seconds =
    tokensPerSecond === null
      ? (tokens * streams) / LEAST_EVENTS_PER_SECOND
      : tokens / tokensPerSecond + (streams * START_STEP_MS) / 1e3;
  return Math.ceil(seconds * 1e3 * PATIENCE) + PATIENCE_MS;
}

interface Reading {
  readonly server: Usage;
  readonly load: Usage;
  readonly upstream: Usage;
  readonly database: number | null;
}

async function readAll({ load, upstream }: Rig, target: Target): Promise<Reading> {
  return {
    server: await target.child.ask<Usage>('usage'),
    load: await load.ask<Usage>('usage'),
    upstream: await upstream.ask<Usage>('usage'),
    database: await target.readDatabaseCpu(),
  };
}

/** Looks at the memory of a server until it is stopped, and then tells the most it had. */
function watchPeak(target: Target): { stop(): Promise<number> } {
  const controller = new AbortController();
  let peak = 0;
  const look = async (): Promise<void> => {
    peak = Math.max(peak, (await target.child.ask<Usage>('usage')).rssBytes);
  };
  const watch = async (): Promise<void> => {
    for await (const _ of every(SAMPLE_MS, undefined, { signal: controller.signal })) await look();
  };
  const watching = watch().catch(() => undefined);
  return {
    async stop() {
      controller.abort();
      await watching;
      await look();
      return peak;
    },
  };
}
