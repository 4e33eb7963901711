/** The configuration for people to read: secrets are masked, and so is everything that the schema does not know. */
import type { JsonObject, JsonValue } from '../types/json.ts';
import type { Config } from './config.ts';
import { findChild, isSecret, type OutlineNode, readOutline } from './outline.ts';

const MASK = '***';
/** Credentials in a URL: everything up to the last @ before the path. */
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i;

/** A copy without secrets, in the order of the schema's keys where there are any. */
export function toPrintable(config: Config): JsonObject {
  const root = readOutline();
  const entries = Object.entries(config).map(([key, value]) => [key, mask(value, findChild(root, key))]);
  return Object.fromEntries(entries) as JsonObject;
}

/** The value as it may be shown; `node` is its place in the schema, undefined where there is none. */
export function mask(value: unknown, node: OutlineNode | undefined): JsonValue | undefined {
  if (value === undefined || value === null) return value;
  if (node === undefined) return MASK;
  if (Array.isArray(value)) return value.map((item, index) => mask(item, findChild(node, index)) ?? null);
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([key, child]) => [key, mask(child, findChild(node, key))]);
    return Object.fromEntries(entries) as JsonObject;
  }
  if (isSecret(node)) return MASK;
  if (typeof value === 'string') return value.replace(USER_INFO, `$1${MASK}@`);
  return typeof value === 'number' || typeof value === 'boolean' ? value : MASK;
}
