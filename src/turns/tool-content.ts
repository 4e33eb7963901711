/** What tools are given and give back, as JSON objects and bounded text. */
import { toStorable } from '../lib/text.ts';
import type { JsonObject, JsonValue } from '../types/json.ts';
import { isObject } from './fields.ts';
import { toStorableJson, toStorableObject } from './storable-json.ts';

/** UTF-8 bytes of a tool's content, or of its arguments, that are kept. An image comes as base64 and can be far larger. */
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
  const bounded = toBounded(json);
  return bounded === json ? args : { args: bounded };
}

/** Text as it is, anything else as JSON, nothing as "". At most 256 KiB, then it says that it was cut. */
export function toContent(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  return toBounded(typeof value === 'string' ? toStorable(value) : JSON.stringify(toStorableJson(value)));
}

function toBounded(text: string): string {
  if (text.length * 3 <= MAX_CONTENT_BYTES) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_CONTENT_BYTES));
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
