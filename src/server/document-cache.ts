/** What was parsed before, by its text, in bounded memory. */
import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

const MAX_ENTRIES = 1_000;
const MAX_BYTES = 32 * 1024 * 1024;
/** Of a text, which stands in its key. */
const BYTES_PER_CHARACTER = 2;
/** A parsed document is far larger than its text: every token is an object, and so is every node with its place. */
const BYTES_PER_TOKEN = 420;

const create = <Value extends object>(toBytes: (value: Value) => number): LRUCache<string, Value> =>
  new LRUCache({
    max: MAX_ENTRIES,
    maxSize: MAX_BYTES,
    sizeCalculation: (value, text) => 1 + text.length * BYTES_PER_CHARACTER + toBytes(value),
  });

export const createDocumentCache = (): LRUCache<string, DocumentNode> =>
  create(({ tokenCount = 0 }) => tokenCount * BYTES_PER_TOKEN);

/** Of what is no document: the refusals. */
export const createErrorCache = (): LRUCache<string, Error> => create(() => 0);
