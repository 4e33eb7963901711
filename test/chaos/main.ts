/**
 * `npm run bench:chaos`: breaks what can break while many clients ask, and checks that the promises hold all the same.
 *
 * The parts: nodes of Millrace as real processes (node.ts), each between two TCP proxies (tcp-proxy.ts), towards its clients
 * and towards one real Postgres; a backend that writes down every call (backend.ts); clients of several kinds, the stock
 * graphql-ws one among them (clients/); a checker that reads what the clients saw, what the database kept and what the
 * backend was asked (check/). Every choice is drawn from one seed, which is printed first; --seed repeats the schedule.
 *
 * A new scenario is a file in scenarios/ that exports a Scenario, and a place in the list of scenarios/all.ts. Its `run`
 * starts a rig, lets clients begin (`toClients`, `startLoad`), breaks something, waits (`finishLoad`, `collect`), and returns
 * what `judge` says with figures of its own. `small` is the form for continuous integration. What it starts it gives to
 * `resources`. Inside of a node, fault points do the breaking: src/faults.ts says how they are named.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { type ChaosOptions, parseOptions, toUsage } from './options.ts';
import { isGood, renderReport } from './report.ts';
import { runScenario } from './run-scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

const tell = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(options: ChaosOptions): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stop.abort(new Error(signal)));
  // Whatever goes wrong, what was started is to be ended.
  process.on('unhandledRejection', (reason) => stop.abort(reason));
  tell(`seed ${options.seed}`);
  if (options.logs !== undefined) await mkdir(options.logs, { recursive: true });
  const chosen = SCENARIOS.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  const results = [];
  for (const scenario of chosen) {
    tell(`${scenario.name}: ${scenario.says}`);
    const result = await runScenario(scenario, { ...options, tell, signal: stop.signal });
    results.push(result);
    if (!options.json) tell(renderReport([result]));
  }
  const text = options.json
    ? JSON.stringify({ seed: options.seed, small: options.small, results }, null, 2)
    : `seed ${options.seed}\n${renderReport(results)}`;
  process.stdout.write(`${text}\n`);
  if (options.logs !== undefined) await writeFile(join(options.logs, 'report.json'), JSON.stringify(results));
  if (!results.every(isGood)) process.exitCode = 1;
}

try {
  const options = parseOptions(
    process.argv.slice(2),
    SCENARIOS.map(({ name }) => name),
  );
  if (options === undefined) process.stdout.write(`${toUsage(SCENARIOS)}\n`);
  else await main(options);
} catch (error) {
  tell(`chaos: ${error instanceof Error ? error.message : String(error)}`);
  // A scenario that was interrupted may still be about to do something.
  process.exit(1);
}
