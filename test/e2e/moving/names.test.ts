/** The page on moving leaves nothing out: every name of the predecessor stands under its heading. */
import { expect, it } from 'vitest';
import { listNames } from '../../support/moving.ts';
import { OLD_NAMES } from '../../support/moving-names.ts';

it.each(Object.entries(OLD_NAMES))('%s names everything', (heading, names) => {
  const said = listNames(heading);
  expect(names.filter((name) => !said.has(name))).toEqual([]);
});

it('nothing is listed twice', () => {
  for (const names of Object.values(OLD_NAMES)) expect(names).toEqual([...new Set(names)]);
});
