/** `npm run bench`: what Millrace costs beside a bare pass-through of the same upstream, measured in the same run. */
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import process from 'node:process';
import { type Measurement, measure, runLoad } from './measure.ts';
import {
  type BenchOptions,
  listLogScenarios,
  listScenarios,
  listWarmUps,
  parseOptions,
  START_STEP_MS,
  toPausedScenario,
  USAGE,
} from './options.ts';
import { measurePaused } from './paused.ts';
import { listPausedMetrics, renderPaused } from './paused-report.ts';
import { runQuotaStorms } from './quotas.ts';
import {
  type Comparison,
  type LogComparison,
  listLogMetrics,
  listMetrics,
  renderLogReport,
  renderReport,
} from './report.ts';
import { type Rig, startRig, type Target } from './rig.ts';
import type { Usage } from './usage.ts';

const LEGEND = `An event is one token. CPU is of the server's process alone, its share of starting and ending turns included.
The log that is off stores no event; turns, answers and usage are stored all the same.
Latency: from the upstream's write of a token to the client's receipt. First token: from the question, on an open
connection or, for the bare one, with a new one where none is free. RSS per stream: above the idle server's.
Paced streams start ${Math.round(1e3 / START_STEP_MS)} a second. Every text was checked to have come whole and once.
At full speed the servers take what they can, so latency there is the time spent in buffers.`;

/** Load is of the minute before; the bench itself comes on top. */
function describeMachine() {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    loadBefore: loadavg()[0] ?? 0,
  };
}

type Machine = ReturnType<typeof describeMachine>;

const tell = (text: string): void => void process.stderr.write(`${text}\n`);

async function compareAll(rig: Rig, options: BenchOptions): Promise<readonly Comparison[]> {
  const scenarios = listScenarios(options);
  if (scenarios.length === 0) return [];
  const bare = await warmUp(rig, rig.bare, options);
  const millrace = await warmUp(rig, rig.millrace, options);
  const comparisons: Comparison[] = [];
  for (const scenario of scenarios) {
    tell(`  ${scenario.name} …`);
    comparisons.push({
      scenario,
      bare: await measure(rig, bare, scenario),
      millrace: await measure(rig, millrace, scenario),
    });
  }
  return comparisons;
}

/** In turns, so that what else goes on on the machine meets both. Undefined when it is not asked for. */
async function compareLog(rig: Rig, options: BenchOptions): Promise<LogComparison | undefined> {
  const [scenario, ...more] = listLogScenarios(options);
  if (!scenario) return undefined;
  const millrace = await warmUp(rig, rig.millrace, options);
  const logOff = await warmUp(rig, rig.logOff, options);
  const [on, off]: [Measurement[], Measurement[]] = [[], []];
  for (const round of [scenario, ...more]) {
    tell(`  ${round.name}, on and off …`);
    on.push(await measure(rig, millrace, round));
    off.push(await measure(rig, logOff, round));
  }
  return { scenario, on, off };
}

async function warmUp(
  rig: Rig,
  target: Target,
  options: BenchOptions,
): Promise<{ readonly target: Target; readonly idleRss: number }> {
  tell(`  warming up ${target.name} …`);
  for (const scenario of listWarmUps(options)) await runLoad(rig, target, scenario);
  const { rssBytes } = await target.child.ask<Usage>('usage');
  return { target, idleRss: rssBytes };
}

function render(
  machine: Machine,
  { comparisons, log }: { comparisons: readonly Comparison[]; log: LogComparison | undefined },
  options: BenchOptions,
): string {
  if (options.json) {
    const results = comparisons.map((one) => ({ ...one, metrics: listMetrics(one) }));
    const logResult = log && { ...log, metrics: listLogMetrics(log) };
    return JSON.stringify({ machine, transport: options.transport, results, log: logResult }, null, 2);
  }
  return [
    describe(machine, options),
    '',
    ...(comparisons.length > 0 ? [renderReport(comparisons), ''] : []),
    ...(log ? [renderLogReport(log), ''] : []),
    LEGEND,
  ].join('\n');
}

function describe(machine: Machine, { transport }: BenchOptions): string {
  const { node, platform, cpu, cores, memoryGiB, loadBefore } = machine;
  return `Node ${node}, ${platform}, ${cores} cores (${cpu}), ${memoryGiB} GiB, load ${loadBefore.toFixed(1)}; turns over ${transport}`;
}

async function bench(options: BenchOptions): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const stop = async (): Promise<void> => {
    await resources.disposeAsync();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  listScenarios(options);
  const machine = describeMachine();
  tell('  starting …');
  const rig = await startRig(options, resources);
  const text = options.paused
    ? await reportPaused(rig, machine, options)
    : await reportComparisons(rig, machine, options);
  process.stdout.write(`${text}\n`);
}

async function reportComparisons(rig: Rig, machine: Machine, options: BenchOptions): Promise<string> {
  const comparisons = await compareAll(rig, options);
  const log = await compareLog(rig, options);
  return render(machine, { comparisons, log }, options);
}

async function reportPaused(rig: Rig, machine: Machine, options: BenchOptions): Promise<string> {
  const subject = await warmUp(rig, rig.millrace, options);
  const scenario = toPausedScenario(options);
  tell(`  ${scenario.normal.name} beside ${scenario.readers} paused …`);
  const measured = await measurePaused(rig, subject, scenario);
  if (options.json) {
    return JSON.stringify({ machine, scenario, measured, metrics: listPausedMetrics(measured) }, null, 2);
  }
  return [describe(machine, options), '', renderPaused(scenario, measured)].join('\n');
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(`${USAGE}\n`);
  else if (options.quotas) process.stdout.write(`${await runQuotaStorms(options.quick, tell)}\n`);
  else await bench(options);
} catch (error) {
  tell(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
