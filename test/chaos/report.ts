/** The report of a run of the harness as text: a table of all figures, and the first of what broke a rule. */
import { renderTable } from '../bench/table.ts';
import { RULES } from './check/types.ts';
import type { ScenarioResult } from './scenario.ts';

export interface NamedResult extends ScenarioResult {
  readonly name: string;
  readonly seconds: number;
}

const SHOWN_VIOLATIONS = 20;

/** True when every figure is what it must be and no rule was broken. */
export function isGood({ figures, violations }: ScenarioResult): boolean {
  return violations.length === 0 && figures.every(({ ok }) => ok);
}

export function renderReport(results: readonly NamedResult[]): string {
  const table = renderTable({
    header: ['scenario', 'figure', 'measured', 'wanted', ''],
    align: ['left', 'left', 'left', 'left', 'left'],
    groups: results.map((result) =>
      result.figures.map((figure, index) => [
        index === 0 ? `${result.name} (${Math.round(result.seconds)} s)` : '',
        figure.name,
        figure.value,
        figure.wanted ?? '',
        figure.wanted === undefined ? '' : figure.ok ? 'ok' : 'MISSED',
      ]),
    ),
  });
  return [table, ...results.flatMap(renderViolations)].join('\n');
}

function renderViolations({ name, violations }: NamedResult): readonly string[] {
  if (violations.length === 0) return [];
  const shown = violations.slice(0, SHOWN_VIOLATIONS);
  return [
    '',
    `${name}: ${violations.length} times a rule was broken`,
    ...shown.map(({ rule, key, what }) => `  ${rule} (${RULES[rule]}) ${key}: ${what}`),
    ...(violations.length > shown.length ? [`  and ${violations.length - shown.length} more`] : []),
  ];
}
