import { expect, test } from 'vitest';
import {
  databaseCode,
  isConnectionLost,
  isPassing,
  isUnreachable,
  toDatabaseError,
} from '../../../src/db/errors.ts';
import { AppError } from '../../../src/errors.ts';

const fault = (code: string) => Object.assign(new Error(code), { code });
const wrapped = (code: string) => new Error('Failed query', { cause: fault(code) });

test.each(['ECONNREFUSED', 'CONNECTION_CLOSED', 'CONNECT_TIMEOUT', '08006', '57P01', '57P03'])(
  '%s means that the connection is lost, also inside a wrapper',
  (code) => {
    for (const error of [fault(code), wrapped(code)]) {
      expect(isConnectionLost(error)).toBe(true);
      expect(toDatabaseError(error)).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE', cause: error });
    }
  },
);

test.each(['53100', '53300'])('%s is the database at its limits on a connection that goes on', (code) => {
  expect(isConnectionLost(wrapped(code))).toBe(false);
  expect(isUnreachable(wrapped(code))).toBe(true);
});

test.each(['23505', '40001', '57014', '42P01'])(
  '%s is a matter of the statement and stays as it is',
  (code) => {
    const error = wrapped(code);
    expect(isUnreachable(error)).toBe(false);
    expect(toDatabaseError(error)).toBe(error);
    expect(databaseCode(error)).toBe(code);
  },
);

test.each([
  ['40001', true],
  ['40P01', true],
  ['57014', true],
  ['55P03', true],
  ['23505', false],
  ['22P05', false],
  ['57P01', false],
])('%s may pass when the same is sent again: %s', (code, passes) => {
  expect(isPassing(wrapped(code))).toBe(passes);
});

test('an error of ours is never wrapped again', () => {
  const error = new AppError('NOT_FOUND', 'gone', { cause: fault('ECONNREFUSED') });
  expect(toDatabaseError(error)).toBe(error);
});
