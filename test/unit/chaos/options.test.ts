import { describe, expect, it } from 'vitest';
import { parseOptions, toUsage } from '../../chaos/options.ts';
import { isGood, renderReport } from '../../chaos/report.ts';
import { SCENARIOS } from '../../chaos/scenarios/all.ts';

const KNOWN = ['kill', 'pause'];

describe('the command line of the harness', () => {
  it('runs everything in full when it is told nothing, by a seed of its own', () => {
    const options = parseOptions([], KNOWN);
    expect(options).toMatchObject({ small: false, json: false, only: [], logs: undefined });
    expect(Number.isSafeInteger(options?.seed)).toBe(true);
  });

  it('takes a seed, scenarios and a folder', () => {
    const args = ['--seed', '42', '--only', 'kill,pause', '--small', '--logs', 'there'];
    expect(parseOptions(args, KNOWN)).toEqual({
      small: true,
      json: false,
      seed: 42,
      only: ['kill', 'pause'],
      logs: 'there',
    });
  });

  it('refuses scenarios that there are not, and seeds that are no numbers', () => {
    expect(() => parseOptions(['--only', 'flood'], KNOWN)).toThrow('there are kill, pause');
    expect(() => parseOptions(['--seed', 'x'], KNOWN)).toThrow('--seed is a number, not "x"');
  });

  it('names every scenario in its help', () => {
    expect(parseOptions(['--help'], KNOWN)).toBeUndefined();
    const usage = toUsage(SCENARIOS);
    expect(SCENARIOS.length).toBeGreaterThan(0);
    for (const { name } of SCENARIOS) expect(usage).toContain(`\n  ${name} `);
  });
});

describe('the report', () => {
  const figure = { name: 'lost', value: '1', wanted: '0', ok: false };
  const violation = { rule: 'P1', key: 'k7', what: 'a hole' } as const;

  it('is good only when every figure is what it must be and no rule was broken', () => {
    expect(isGood({ figures: [{ ...figure, ok: true }], violations: [] })).toBe(true);
    expect(isGood({ figures: [figure], violations: [] })).toBe(false);
    expect(isGood({ figures: [], violations: [violation] })).toBe(false);
  });

  it('shows what was missed and what broke a rule', () => {
    const text = renderReport([{ name: 'kill', seconds: 2, figures: [figure], violations: [violation] }]);
    expect(text).toContain('MISSED');
    expect(text).toContain('k7: a hole');
  });
});
