/** What the outline makes of each kind of schema. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findNode, isSecret, listLeaves, readOutline, toExpectation } from '../../../src/config/outline.ts';
import { HTTP_URL, httpUrl, notes } from '../../../src/config/vocabulary.ts';

const limiter = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('USER'), perUser: z.int().min(1) }),
  z.strictObject({ kind: z.literal('CLUSTER'), total: z.number().max(5).optional() }),
]);
const root = readOutline(
  z.strictObject({
    limiters: z.array(limiter),
    headers: z.record(
      z.string(),
      z.union([z.string(), z.strictObject({ file: z.string() })]).meta(notes({ secret: true })),
    ),
    stores: z.union([z.enum(['all', 'none']), z.array(z.string())]).default('all'),
    labels: z.record(z.string(), z.string()).default({}),
    names: z.array(z.string()).default([]),
    proxy: z.union([z.literal(false), z.strictObject({ url: httpUrl })]).optional(),
    either: z
      .union([z.string(), z.strictObject({ a: z.string() })])
      .meta(notes({ expected: 'this or that' })),
  }),
);
const expectationAt = (...path: readonly PropertyKey[]) => toExpectation(findNode(path, root));

describe('the leaves', () => {
  it('are what stands in lists, records and unions; what is plain, or told in words, is one as a whole', () => {
    expect(listLeaves(root).map(({ path }) => path)).toEqual([
      'limiters[].kind',
      'limiters[].perUser',
      'limiters[].total',
      'headers.<name>',
      'headers.<name>.file',
      'stores',
      'labels',
      'names',
      'proxy',
      'proxy.url',
      'either',
    ]);
  });

  it('of a union are required when all of its members require them', () => {
    const required = listLeaves(root).filter((leaf) => leaf.required);
    expect(required.map(({ path }) => path)).toEqual(['limiters[].kind', 'either']);
  });
});

describe('a node', () => {
  it('is found by real keys and indices, through lists, records and unions', () => {
    expect(expectationAt('limiters', 3, 'kind')).toBe('USER or CLUSTER');
    expect(expectationAt('headers', 'x-key', 'file')).toBe('text');
    expect(expectationAt('names', 0)).toBe('text');
    expect(findNode(['limiters', 'kind', 'nowhere'], root)).toEqual({});
    expect(findNode(['constructor'], root)).toEqual({});
  });

  it('tells whether it is secret, and so do its members', () => {
    expect(isSecret(findNode(['headers', 'x-key'], root))).toBe(true);
    expect(isSecret(findNode(['headers', 'x-key', 'file'], root))).toBe(false);
    expect(isSecret(findNode(['labels'], root))).toBe(false);
  });
});

describe('what a value may be', () => {
  it.each([
    [['limiters', 0, 'perUser'], 'a number of at least 1'],
    [['limiters', 0, 'total'], 'a number of at most 5'],
    [['stores'], 'one of all, none or a list'],
    [['labels'], 'a mapping'],
    [['names'], 'a list'],
    [['proxy'], 'false or a mapping with url'],
    [['either'], 'this or that'],
    [['proxy', 'url'], 'text'],
  ])('%j: %s', (path, expectation) => {
    expect(expectationAt(...path)).toBe(expectation);
  });

  it('is in words where the schema has them', () => {
    expect(toExpectation(findNode(['openai', 'baseUrl']))).toBe(HTTP_URL);
  });
});
