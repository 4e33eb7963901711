/** What is said of a value that its schema refuses. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readOutline } from '../../../src/config/outline.ts';
import { fromComplaints } from '../../../src/config/problems.ts';
import { notes } from '../../../src/config/vocabulary.ts';

const limiter = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('USER'), limit: z.int().min(1) }),
  z.strictObject({ kind: z.literal('CLUSTER') }),
]);
const withMapping = z.union([z.string(), z.strictObject({ file: z.string(), mode: z.string().optional() })]);
const schema = z.strictObject({
  limiters: z.array(limiter).optional(),
  value: withMapping.optional(),
  secret: withMapping.optional().meta(notes({ secret: true })),
  stores: z.union([z.enum(['all', 'none']), z.array(z.string())]).optional(),
});

function complaintOf(value: unknown): string {
  const { error } = schema.safeParse(value, { reportInput: true });
  if (error === undefined) return 'no complaint';
  return fromComplaints(error, { file: undefined, origins: new Map() }, readOutline(schema)).message;
}

describe('a union', () => {
  it.each([
    [{ value: 3 }, 'value: expected text or a mapping with file, mode, got 3'],
    [{ value: { file: 3 } }, 'value.file: expected text, got 3'],
    [{ value: { file: 'x', fiel: 'y' } }, 'value.fiel: unknown key; there are file, mode'],
    [{ value: {} }, 'value.file: missing; expected text'],
    [{ stores: 'some' }, 'stores: expected one of all, none or a list, got "some"'],
    [{ stores: ['a', 1] }, 'stores[1]: expected text, got 1'],
    [{ limiters: [{ kind: 'GROUP' }] }, 'limiters[0].kind: expected USER or CLUSTER, got "GROUP"'],
    [{ limiters: [{ limit: 1 }] }, 'limiters[0].kind: missing; expected USER or CLUSTER'],
    [{ limiters: [{ kind: 'USER', limit: 0 }] }, 'limiters[0].limit: expected a number of at least 1, got 0'],
    [{ limiters: ['x'] }, 'limiters[0]: expected a mapping with kind, limit or a mapping with kind, got "x"'],
  ])('%j: %s', (value, message) => {
    expect(complaintOf(value)).toBe(message);
  });

  it('that is secret is never shown, nor what is in it', () => {
    expect(complaintOf({ secret: { file: 3 } })).toBe('secret: expected text or a mapping with file, mode');
  });
});
