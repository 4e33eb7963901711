import { expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { listWarnings } from '../../../src/config/warnings.ts';

const warningsFor = (host: string, module = 'noop') =>
  listWarnings(loadConfig({ env: { HOST: host, MILLRACE_AUTH_MODULE: module }, flags: {}, cwd: '/' }));

it('warns that there is no authentication where other machines can reach the server', () => {
  expect(warningsFor('0.0.0.0')).toEqual([expect.stringContaining('No authentication')]);
  expect(warningsFor('0.0.0.0', 'noop-with-token')).toEqual([expect.stringContaining('No authentication')]);
  expect(warningsFor('0.0.0.0', 'k8s')).toEqual([]);
});

it.each(['127.0.0.1', 'localhost', '::1'])('is silent on %s', (host) => {
  expect(warningsFor(host)).toEqual([]);
});
