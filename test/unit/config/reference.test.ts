import { describe, expect, it } from 'vitest';
import { listLeaves } from '../../../src/config/outline.ts';
import { renderConfigTable, renderErrorTable } from '../../../src/config/reference.ts';
import { SETTINGS } from '../../../src/config/settings.ts';
import { ERROR_CODES } from '../../../src/errors.ts';

describe('the table of settings', () => {
  const table = renderConfigTable();

  it.each(SETTINGS.map((setting) => [setting.env, setting.path, setting.flag]))(
    'tells variable, flag and key of %s in one row',
    (env, path, flag) => {
      const row = table.split('\n').find((line) => line.startsWith(`| \`${path}\` |`));
      expect(row).toContain(`\`${env}\``);
      expect(row).toContain(`\`--${flag}\``);
    },
  );

  it('says of every setting what it means', () => {
    const leaves = listLeaves();
    expect(leaves.length).toBeGreaterThan(20);
    expect(leaves.filter(({ node }) => !node.description).map(({ path }) => path)).toEqual([]);
  });

  it('shows defaults, and which keys are required', () => {
    expect(table).toContain('| `server.port` | `PORT` | `--port` | `4000` |');
    expect(table).toContain('| `backends[].id` |  |  | required |');
  });
});

describe('the table of errors', () => {
  it('has a row for every code, with as many cells as the head', () => {
    const [head = '', , ...rows] = renderErrorTable().split('\n');
    expect(rows.map((row) => row.split('`')[1])).toEqual(Object.keys(ERROR_CODES));
    expect(rows.filter((row) => row.split(' | ').length !== head.split(' | ').length)).toEqual([]);
  });
});
