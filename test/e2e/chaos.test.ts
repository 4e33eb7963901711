/** The chaos harness in its small form, by fixed seeds: processes are killed for real, and no promise may break. */
import { expect, it } from 'vitest';
import { runScenario } from '../chaos/run-scenario.ts';
import { kill } from '../chaos/scenarios/kill.ts';

/** Times are left to the full form: here the machine is busy with other tests. */
const isOfTime = (name: string): boolean => name.startsWith('takeover');

it('P1, P3, P4, P6: two of three nodes are killed at random, and nothing is lost, repeated or torn', async () => {
  const { signal } = new AbortController();
  const told: string[] = [];
  const tell = (text: string): void => void told.push(text);
  const result = await runScenario(kill, { seed: 20, small: true, logs: undefined, tell, signal });
  expect(result.violations).toEqual([]);
  const figures = result.figures.filter(({ name }) => !isOfTime(name));
  expect(figures.length).toBeGreaterThan(10);
  expect(figures.filter(({ ok }) => !ok)).toEqual([]);
}, 300_000);
