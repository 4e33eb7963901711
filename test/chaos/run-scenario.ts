/** Runs one scenario and takes down everything that it started, also when it is interrupted. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChaosOptions } from './options.ts';
import { createRandom } from './random.ts';
import type { NamedResult } from './report.ts';
import type { Scenario } from './scenario.ts';

export interface RunOptions extends Pick<ChaosOptions, 'seed' | 'small' | 'logs'> {
  readonly tell: (text: string) => void;
  /** Aborted when the run is to stop at once. */
  readonly signal: AbortSignal;
}

/** Each scenario draws from a source of its own, so that it does alone what it does among others. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<NamedResult> {
  const { seed, small, logs, tell, signal } = options;
  await using resources = new AsyncDisposableStack();
  const startedAt = performance.now();
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  resources.defer(() => signal.removeEventListener('abort', onAbort));
  const running = scenario.run({
    random: createRandom(seed).fork(scenario.name),
    small,
    resources,
    logs,
    tell: (text) => tell(`  ${text}`),
  });
  // After an interruption nobody waits for it any more.
  running.catch(() => undefined);
  const result = await Promise.race([running, interrupted]);
  if (logs !== undefined) {
    writeFileSync(join(logs, `${scenario.name}.violations.json`), JSON.stringify(result.violations, null, 2));
  }
  return { ...result, name: scenario.name, seconds: (performance.now() - startedAt) / 1e3 };
}
