/** The reference tables of the README, made from what the code itself obeys. */
import { ERROR_CODES } from '../errors.ts';
import { listLeaves, type OutlineLeaf } from './outline.ts';
import { CONFIG_FILE, SETTINGS } from './settings.ts';

/** Every setting as a Markdown table, in the order of the schema. */
export function renderConfigTable(): string {
  const rows = listLeaves().map(toSettingRow);
  const file = ['', code(CONFIG_FILE.env), code(`--${CONFIG_FILE.flag}`), '', CONFIG_FILE.description];
  return toTable(['Key in the YAML file', 'Environment', 'Flag', 'Default', 'Meaning'], [file, ...rows]);
}

function toSettingRow({ path, node, required }: OutlineLeaf): readonly string[] {
  const setting = SETTINGS.find((candidate) => candidate.path === path);
  const variables =
    setting === undefined ? [] : [setting.env, ...(setting.secret ? [`${setting.env}_FILE`] : [])];
  return [
    code(path),
    variables.map(code).join(' or '),
    setting === undefined ? '' : code(`--${setting.flag}`),
    toDefault(node.default, required),
    [node.description ?? '', node.enum ? `(${node.enum.map(code).join(', ')})` : ''].join(' ').trim(),
  ];
}

function toDefault(value: unknown, required: boolean): string {
  if (value === undefined) return required ? 'required' : '';
  return code(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Every error code as a Markdown table. */
export function renderErrorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(([name, facts]) => [
    code(name),
    String(facts.status),
    facts.retryable ? 'yes' : 'no',
    facts.meaning,
  ]);
  return toTable(['Code', 'HTTP status', 'Retry helps', 'Meaning'], rows);
}

function code(text: string): string {
  return `\`${text}\``;
}

function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
