/** What tools are given and give back, as JSON objects and bounded text. */
import { toStorable } from '../lib/text.ts';
import type { JsonObject, JsonValue } from '../types/json.ts';
import { isObject } from './fields.ts';
import { toStorableJson, toStorableObject } from './storable-json.ts';

/** UTF-8 bytes of a tool's arguments that are kept, and of what it returns unless the configuration says otherwise. */
export const MAX_CONTENT_BYTES = 256 * 1024;

/**
 * Arguments as a JSON object. Backends send them as text, some as an object; nothing at all is `{}`.
 * What is not a JSON object, or holds a number that JSON cannot carry (NaN, 1e400), is `{"args": text}`.
 */
export function toArguments(value: JsonValue | undefined): JsonObject {
  if (value === undefined || value === null || value === '') return {};
  const given = typeof value === 'string' ? parseJson(value) : value;
  const args = isObject(given) ? toStorableObject(given) : undefined;
  return args && isFiniteJson(args) ? bound(args) : bound({ args: toStorableJson(value) });
}

/** The object fit for storage; a larger one than 256 KiB becomes `{"args": the beginning of its JSON}`. */
export function boundArguments(args: JsonObject): JsonObject {
  return bound(toStorableObject(args));
}

function bound(args: JsonObject): JsonObject {
  const json = JSON.stringify(args);
  const bounded = toBounded(json, MAX_CONTENT_BYTES);
  return bounded === json ? args : { args: bounded };
}

/** Text as it is, anything else as JSON, nothing as "". Whole, however long it is. */
export function toContent(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? toStorable(value) : JSON.stringify(toStorableJson(value));
}

/** The beginning of the text that takes so many UTF-8 bytes; a text that was cut says so. */
export function toBounded(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return read === text.length ? text : `${text.slice(0, read)}… [cut: ${text.length - read} more characters]`;
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** False for numbers beyond what JSON can be written with: `1e400` parses to Infinity. */
function isFiniteJson(value: JsonValue | undefined): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  const items = isObject(value) ? Object.values(value) : value;
  return items.every(isFiniteJson);
}
