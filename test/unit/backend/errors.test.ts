import { expect, test } from 'vitest';
import { findErrorCode, parseRetryAfter, toIdentity } from '../../../src/backend/errors.ts';
import { toBackendConfig } from '../../support/backend-config.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

test.each([
  [{}, undefined],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '1.5' }, 1_500],
  [{ 'retry-after': ' 3 ' }, 3_000],
  [{ 'retry-after-ms': '20', 'retry-after': '3' }, 20],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:10 GMT' }, 10_000],
  [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': '-5x' }, undefined],
])('%j is a wait of %s ms', (headers, ms) => {
  expect(parseRetryAfter(new Headers(headers as Record<string, string>), NOW)).toBe(ms);
});

test('the error code is found down the chain of causes', () => {
  const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
  expect(findErrorCode(new Error('a', { cause: new Error('b', { cause: refused }) }))).toBe('ECONNREFUSED');
  expect(findErrorCode(new Error('a'))).toBeUndefined();
  expect(findErrorCode('a')).toBeUndefined();
});

test('the key and the address are secrets; a stand-in for a key is not', () => {
  const config = toBackendConfig('http://user:pass-word@models.example.org:8321/v1', { apiKey: 'none' });
  expect(toIdentity(config).secrets).toEqual(['models.example.org:8321', 'models.example.org', 'pass-word']);
});
