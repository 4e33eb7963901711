import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { toCloseCode } from '../../../src/server/close-codes.ts';

describe('toCloseCode', () => {
  it.each([
    ['UNAUTHENTICATED', 4401],
    ['FORBIDDEN', 4401],
    ['TOKEN_EXPIRED', 4403],
    ['AUTH_UNAVAILABLE', 1013],
    ['DEPENDENCY_UNAVAILABLE', 1013],
  ] as const)('of %s is %i', (code, closeCode) => {
    expect(toCloseCode(new AppError(code, 'No'))).toBe(closeCode);
  });

  it('of a fault is 1011, which stock clients do not retry', () => {
    expect(toCloseCode(new TypeError('secret'))).toBe(1011);
  });
});
