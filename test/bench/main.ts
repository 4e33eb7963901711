/** `npm run bench`: what Millrace costs beside a bare pass-through of the same upstream, measured in the same run. */
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import process from 'node:process';
import { measure, runLoad } from './measure.ts';
import {
  type BenchOptions,
  listScenarios,
  listWarmUps,
  parseOptions,
  START_STEP_MS,
  USAGE,
} from './options.ts';
import { type Comparison, listMetrics, renderReport } from './report.ts';
import { type Rig, startRig, type Target } from './rig.ts';
import type { Usage } from './usage.ts';

const LEGEND = `An event is one token. CPU is of the server's process alone, its share of starting and ending turns included.
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

const tell = (text: string): void => void process.stderr.write(`${text}\n`);

async function compareAll(rig: Rig, options: BenchOptions): Promise<readonly Comparison[]> {
  const bare = await warmUp(rig, rig.bare, options);
  const millrace = await warmUp(rig, rig.millrace, options);
  const comparisons: Comparison[] = [];
  for (const scenario of listScenarios(options)) {
    tell(`  ${scenario.name} …`);
    comparisons.push({
      scenario,
      bare: await measure(rig, bare, scenario),
      millrace: await measure(rig, millrace, scenario),
    });
  }
  return comparisons;
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
  machine: ReturnType<typeof describeMachine>,
  comparisons: readonly Comparison[],
  options: BenchOptions,
): string {
  if (options.json) {
    const results = comparisons.map((one) => ({ ...one, metrics: listMetrics(one) }));
    return JSON.stringify({ machine, transport: options.transport, results }, null, 2);
  }
  const { node, platform, cpu, cores, memoryGiB } = machine;
  return [
    `Node ${node}, ${platform}, ${cores} cores (${cpu}), ${memoryGiB} GiB, load ${machine.loadBefore.toFixed(1)}; turns over ${options.transport}`,
    '',
    renderReport(comparisons),
    '',
    LEGEND,
  ].join('\n');
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
  const comparisons = await compareAll(rig, options);
  process.stdout.write(`${render(machine, comparisons, options)}\n`);
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(`${USAGE}\n`);
  else await bench(options);
} catch (error) {
  tell(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
