/** The rules of Relay connections, on a list of numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type PageArgs,
  type PageRequest,
  type PlaceFormat,
  toConnection,
} from '../../../src/graphql/connections.ts';

const format: PlaceFormat<number, number> = {
  toValues: (item) => [item],
  values: z.tuple([z.int()]).transform(([place]) => place),
};

const listOf =
  (items: readonly number[]) =>
  async ({ limit, after, reverse }: PageRequest<number>) => {
    const walk = reverse ? items.toReversed() : items;
    return walk.slice(after === undefined ? 0 : walk.indexOf(after) + 1).slice(0, limit);
  };

const toItems = (count: number) => Array.from({ length: count }, (_, index) => index);

async function read(items: readonly number[], args: PageArgs) {
  const { edges, pageInfo } = await toConnection(args, format, listOf(items));
  return { nodes: edges.map(({ node }) => node), pageInfo };
}

describe('pages', () => {
  it('hold 20 items when no size is given', async () => {
    expect((await read(toItems(30), {})).nodes).toEqual(toItems(20));
    expect((await read(toItems(30), { after: null, before: null })).nodes).toEqual(toItems(20));
  });

  it('may be asked for with null for the other end', async () => {
    expect((await read(toItems(30), { first: 2, last: null, before: null })).nodes).toEqual([0, 1]);
    expect((await read(toItems(30), { last: 2, first: null, after: null })).nodes).toEqual([28, 29]);
  });

  it('say where they lie in their list', async () => {
    const first = await read(toItems(3), { first: 2 });
    expect(first).toMatchObject({ nodes: [0, 1], pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    const second = await read(toItems(3), { first: 2, after: first.pageInfo.endCursor });
    expect(second).toMatchObject({ nodes: [2], pageInfo: { hasNextPage: false, hasPreviousPage: true } });
  });

  it('are in list order also when they are read from the back', async () => {
    const last = await read(toItems(3), { last: 2 });
    expect(last).toMatchObject({ nodes: [1, 2], pageInfo: { hasNextPage: false, hasPreviousPage: true } });
    const before = await read(toItems(3), { last: 2, before: last.pageInfo.startCursor });
    expect(before).toMatchObject({ nodes: [0], pageInfo: { hasNextPage: true, hasPreviousPage: false } });
  });

  it('may be empty', async () => {
    const empty = { nodes: [], pageInfo: { startCursor: null, endCursor: null } };
    expect(await read([], {})).toMatchObject({ ...empty, pageInfo: { hasNextPage: false } });
    expect(await read(toItems(1), { first: 0 })).toMatchObject({ ...empty, pageInfo: { hasNextPage: true } });
  });

  it('together hold every item once, from the front', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(60), fc.integer({ min: 1, max: 9 }), async (count, first) => {
        const seen: number[] = [];
        let page = await read(toItems(count), { first });
        seen.push(...page.nodes);
        while (page.pageInfo.hasNextPage) {
          page = await read(toItems(count), { first, after: page.pageInfo.endCursor });
          seen.push(...page.nodes);
        }
        expect(seen).toEqual(toItems(count));
      }),
    );
  });

  it('together hold every item once, from the back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(60), fc.integer({ min: 1, max: 9 }), async (count, last) => {
        const seen: number[] = [];
        let page = await read(toItems(count), { last });
        seen.unshift(...page.nodes);
        while (page.pageInfo.hasPreviousPage) {
          page = await read(toItems(count), { last, before: page.pageInfo.startCursor });
          seen.unshift(...page.nodes);
        }
        expect(seen).toEqual(toItems(count));
      }),
    );
  });
});

describe('refusals', () => {
  it.each<PageArgs>([
    { first: -1 },
    { first: 101 },
    { last: -1 },
    { last: 101 },
    { first: null },
    { last: null },
    { first: null, last: null },
    { first: 1, last: 1 },
    { first: 1, before: 'WzFd' },
    { last: 1, after: 'WzFd' },
    { after: 'WzFd', before: 'WzFd' },
  ])('%j is BAD_USER_INPUT', async (args) => {
    await expect(read(toItems(3), args)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it.each([
    '',
    'x',
    'null',
    Buffer.from('["1"]').toString('base64url'),
    Buffer.from('[1,2]').toString('base64url'),
  ])('the cursor %j is CURSOR_INVALID', async (after) => {
    await expect(read(toItems(3), { after })).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  });
});
