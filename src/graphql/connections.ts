/** Relay connections: their arguments, their cursors and their types. How a list is read belongs to its domain. */
import { Buffer } from 'node:buffer';
import type { ObjectRef } from '@pothos/core';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { isStorable } from '../lib/text.ts';
import type { Builder, ResolvedTypes } from './builder.ts';
import { declareListSize } from './list-size.ts';

const DEFAULT_SIZE = 20;
const MAX_SIZE = 100;
const PAGE_SIZE = declareListSize({ default: DEFAULT_SIZE, max: MAX_SIZE });

/** How a list names the place of an item: the values of its total order, as they stand in a cursor. */
export interface PlaceFormat<Item, Place> {
  toValues(item: Item): readonly (string | number | null)[];
  readonly values: z.ZodType<Place>;
}

/** What to fetch: one item more than the page holds, to see whether there is another page. */
export interface PageRequest<Place> {
  readonly limit: number;
  readonly after: Place | undefined;
  /** Walk from the end of the list (or from `after`) towards its beginning. */
  readonly reverse: boolean;
}

export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

interface Edge<Item> {
  readonly node: Item;
  readonly cursor: string;
}
export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}
export interface Connection<Item> {
  readonly edges: readonly Edge<Item>[];
  readonly pageInfo: PageInfo;
}

/** Reads one page. `list` returns items in walking order: from the end of the list when `reverse` is set. */
export async function toConnection<Item, Place>(
  args: PageArgs,
  format: PlaceFormat<Item, Place>,
  list: (request: PageRequest<Place>) => Promise<readonly Item[]>,
): Promise<Connection<Item>> {
  const reverse = isBackwards(args);
  const size = parseSize(args);
  const cursor = (reverse ? args.before : args.after) ?? undefined;
  const after = cursor === undefined ? undefined : parsePlace(cursor, format.values);
  const found = await list({ limit: size + 1, after, reverse });
  const page = found.slice(0, size);
  const edges = (reverse ? page.toReversed() : page).map((node) => ({
    node,
    cursor: toPlaceCursor(node, format),
  }));
  const hasMore = found.length > size;
  const hasSkipped = after !== undefined;
  return {
    edges,
    pageInfo: {
      hasNextPage: reverse ? hasSkipped : hasMore,
      hasPreviousPage: reverse ? hasMore : hasSkipped,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** Either `first` with `after`, or `last` with `before`: a mix has no meaning that anybody agrees on. */
function isBackwards(args: PageArgs): boolean {
  const forwards = args.first != null || args.after != null;
  const backwards = args.last != null || args.before != null;
  if (forwards && backwards) {
    throw new AppError('BAD_USER_INPUT', 'Give either first and after, or last and before');
  }
  return backwards;
}

/** Clients that page both ways send null for the end that they do not mean; null alone says nothing and may be a mistake. */
function parseSize({ first, last }: PageArgs): number {
  const size = first ?? last;
  if (size == null) {
    if (first === undefined && last === undefined) return DEFAULT_SIZE;
    throw new AppError('BAD_USER_INPUT', 'The size of a page may be left out, but not be null');
  }
  if (size >= 0 && size <= MAX_SIZE) return size;
  throw new AppError('BAD_USER_INPUT', `A page has 0 to ${MAX_SIZE} items, not ${size}`);
}

function toPlaceCursor<Item>(item: Item, format: PlaceFormat<Item, unknown>): string {
  return Buffer.from(JSON.stringify(format.toValues(item))).toString('base64url');
}

function parsePlace<Place>(cursor: string, values: z.ZodType<Place>): Place {
  const parsed = values.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  if (parsed.success) return parsed.data;
  throw new AppError('CURSOR_INVALID', 'The cursor is not one of this list');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A moment as it stands in a cursor, in milliseconds since the Unix epoch, to the year 9999. */
export const placeMoment = z
  .int()
  .min(0)
  .max(253_402_300_799_999)
  .transform((milliseconds) => new Date(milliseconds));

/** A text as it stands in a cursor. */
export const placeText = z.string().refine(isStorable);

/** The arguments of lists that are read in both directions. */
export function pageArgs(builder: Builder) {
  return builder.args((t) => ({
    first: t.int({
      description: `Size of the page, from the front: 0 to ${MAX_SIZE}, default ${DEFAULT_SIZE}.`,
      ...PAGE_SIZE,
    }),
    after: t.field({ type: 'Cursor', description: 'Start behind the item of this cursor; with `first`.' }),
    last: t.int({
      description: `Size of the page, from the back: 0 to ${MAX_SIZE}, default ${DEFAULT_SIZE}.`,
      ...PAGE_SIZE,
    }),
    before: t.field({ type: 'Cursor', description: 'End before the item of this cursor; with `last`.' }),
  }));
}

/** The arguments of lists that are read from the front only. */
export function forwardPageArgs(builder: Builder) {
  return builder.args((t) => ({
    first: t.int({
      description: `Size of the page: 0 to ${MAX_SIZE}, default ${DEFAULT_SIZE}.`,
      ...PAGE_SIZE,
    }),
    after: t.field({ type: 'Cursor', description: 'Start behind the item of this cursor.' }),
  }));
}

export function declarePageInfo(builder: Builder) {
  return builder.objectRef<PageInfo>('PageInfo').implement({
    description: 'Where a page lies in its list.',
    fields: (t) => ({
      hasNextPage: t.exposeBoolean('hasNextPage', {
        description: 'Whether there are items behind this page.',
      }),
      hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
        description: 'Whether there are items before this page.',
      }),
      startCursor: t.expose('startCursor', {
        type: 'Cursor',
        nullable: true,
        description: 'Cursor of the first item of the page; null when it is empty.',
      }),
      endCursor: t.expose('endCursor', {
        type: 'Cursor',
        nullable: true,
        description: 'Cursor of the last item of the page; null when it is empty.',
      }),
    }),
  });
}

/** The connection type of a list and its edge, `XConnection` and `XEdge`. */
export function declareConnection<Item>(
  builder: Builder,
  refs: {
    readonly pageInfo: ObjectRef<ResolvedTypes, PageInfo>;
    readonly node: ObjectRef<ResolvedTypes, Item>;
  },
  names: { readonly name: string; readonly items: string },
) {
  const edge = builder.objectRef<Edge<Item>>(`${names.name}Edge`).implement({
    description: `One of ${names.items}, at its place in the list.`,
    fields: (t) => ({
      node: t.expose('node', { type: refs.node, description: 'The item.' }),
      cursor: t.expose('cursor', { type: 'Cursor', description: 'The place of the item in the list.' }),
    }),
  });
  return builder.objectRef<Connection<Item>>(`${names.name}Connection`).implement({
    description: `A page of ${names.items}.`,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        description: 'The items with their cursors.',
        resolve: (page) => page.edges,
      }),
      nodes: t.field({
        type: [refs.node],
        description: 'The items without their cursors.',
        resolve: (page) => page.edges.map(({ node }) => node),
      }),
      pageInfo: t.field({
        type: refs.pageInfo,
        description: 'Where the page lies in the list.',
        resolve: (page) => page.pageInfo,
      }),
    }),
  });
}
