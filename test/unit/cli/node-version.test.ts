import { expect, it } from 'vitest';
import { findVersionProblem } from '../../../src/cli/node-version.ts';

it.each(['24.0.0', '24.21.0', '26.1.0'])('runs on Node %s', (version) => {
  expect(findVersionProblem(version)).toBeUndefined();
});

it.each(['18.20.0', '20.20.2', '22.20.1'])('tells in one line what to do on Node %s', (version) => {
  const problem = findVersionProblem(version);
  expect(problem).toMatch(/^Node \S+ is too old.*npm start.*node@24[^\n]*$/);
  expect(problem).toContain(version);
});
