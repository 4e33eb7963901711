/** Reading fields of upstream objects, about which nothing is certain. No meaning lives here. */
import type { JsonObject, JsonValue } from '../types/json.ts';

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The field when it is an object. */
export function findObject(from: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = from?.[key];
  return isObject(value) ? value : undefined;
}

/** The objects of a field that is a list; empty when it is none. */
export function listObjects(from: JsonObject | undefined, key: string): readonly JsonObject[] {
  const value = from?.[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The field when it is text, even empty text. */
export function findText(from: JsonObject | undefined, key: string): string | undefined {
  const value = from?.[key];
  return typeof value === 'string' ? value : undefined;
}

/** The first of the fields that is text and not empty. */
export function findWord(from: JsonObject | undefined, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = from?.[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** The field when it is a finite number. */
export function findNumber(from: JsonObject | undefined, key: string): number | undefined {
  const value = from?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
