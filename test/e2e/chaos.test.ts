/** The chaos harness in its small form, by fixed seeds: processes are killed for real, and no promise may break. */
import { expect, it } from 'vitest';
import { runScenario } from '../chaos/run-scenario.ts';
import { faultPoints } from '../chaos/scenarios/fault-points.ts';
import { kill } from '../chaos/scenarios/kill.ts';
import { pause } from '../chaos/scenarios/pause.ts';

/** Times are left to the full form: here the machine is busy with other tests. */
const isOfTime = (name: string): boolean => name.startsWith('takeover');

it.each([
  { promise: 'P6: two of three nodes are killed at random', scenario: kill, seed: 20 },
  { promise: 'P4: nodes die where a turn begins, is stored and ends', scenario: faultPoints, seed: 11 },
  { promise: 'P1: a node is frozen beyond its lease, beside wrong clocks', scenario: pause, seed: 3 },
])(
  '$promise, and nothing is lost, repeated or torn',
  async ({ scenario, seed }) => {
    const { signal } = new AbortController();
    const options = { seed, small: true, logs: undefined, tell: () => {}, signal };
    const result = await runScenario(scenario, options);
    expect(result.violations).toEqual([]);
    const figures = result.figures.filter(({ name }) => !isOfTime(name));
    expect(figures.length).toBeGreaterThan(10);
    expect(figures.filter(({ ok }) => !ok)).toEqual([]);
  },
  400_000,
);
