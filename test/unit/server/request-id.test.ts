import { describe, expect, it } from 'vitest';
import { isUuid } from '../../../src/lib/ids.ts';
import { toRequestId } from '../../../src/server/request-id.ts';

describe('toRequestId', () => {
  it.each(['a', 'req-1.2_3', 'x'.repeat(128)])('keeps the sane id %s', (id) => {
    expect(toRequestId(id)).toBe(id);
  });

  it.each([undefined, '', 'x'.repeat(129), 'a b', 'a\nb', '<script>', 'é', ['a', 'b']])(
    'replaces %j',
    (id) => {
      expect(isUuid(toRequestId(id))).toBe(true);
    },
  );
});
