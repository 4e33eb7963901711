/** JSON from a backend made fit for Postgres and for our own JSON: every text repaired, bounded in depth. */
import { toStorable } from '../lib/text.ts';
import type { JsonObject, JsonValue } from '../types/json.ts';
import { isObject } from './fields.ts';

/** Levels of nesting that are kept; JSON.stringify recurses and would overflow the stack on far deeper ones. */
const MAX_DEPTH = 64;
const TOO_DEEP = '[nested too deeply]';

/** The value with NUL and lone surrogates replaced in all texts and keys; what is nested deeper than 64 levels is cut. */
export function toStorableJson(value: JsonValue, depth = 0): JsonValue {
  if (typeof value === 'string') return toStorable(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return TOO_DEEP;
  return isObject(value)
    ? toStorableObject(value, depth)
    : value.map((item) => toStorableJson(item, depth + 1));
}

export function toStorableObject(value: JsonObject, depth = 0): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [toStorable(key), toStorableJson(item ?? null, depth + 1)]),
  );
}
