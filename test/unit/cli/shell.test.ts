import { expect, it } from 'vitest';
import { EXIT, runWithConfig, toFailureText } from '../../../src/cli/shell.ts';
import { AppError } from '../../../src/errors.ts';

it('prints the first line of a failure with its reason, and no stack', () => {
  const error = new AppError('DEPENDENCY_UNAVAILABLE', 'No database\nat all', {
    cause: new Error('refused\nagain'),
  });
  expect(toFailureText(error, { logLevel: 'info' })).toBe('millrace: No database (refused)\n');
});

it('adds stack and causes when the log level is debug', () => {
  const error = new AppError('DEPENDENCY_UNAVAILABLE', 'No database', { cause: new Error('inner') });
  const text = toFailureText(error, { logLevel: 'debug' });
  expect(text).toMatch(/^millrace: No database \(inner\)\n/);
  expect(text).toMatch(/shell\.test\.ts:\d+/);
  expect(text).toContain('inner');
});

it('does not say a reason twice', () => {
  const error = new Error('Could not start (refused)', { cause: new Error('refused') });
  expect(toFailureText(error, { logLevel: 'info' })).toBe('millrace: Could not start (refused)\n');
});

it('names an error that has no message', () => {
  expect(toFailureText(new AggregateError([], ''), { logLevel: 'info' })).toBe('millrace: AggregateError\n');
});

it('exits with 1 when the work fails, even with an error that a bad configuration also has', async () => {
  const lines: string[] = [];
  const shell = { env: {}, cwd: '/', out: () => {}, err: (text: string) => void lines.push(text) };
  const code = await runWithConfig(shell, {}, () =>
    Promise.reject(new AppError('BAD_USER_INPUT', 'not this file')),
  );
  expect(code).toBe(EXIT.failure);
  expect(lines).toEqual(['millrace: not this file\n']);
});
