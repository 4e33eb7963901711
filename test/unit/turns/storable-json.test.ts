import { describe, expect, it } from 'vitest';
import { toStorableJson } from '../../../src/turns/storable-json.ts';
import type { JsonValue } from '../../../src/types/json.ts';

const nest = (depth: number): JsonValue => {
  let value: JsonValue = 'core';
  for (let level = 0; level < depth; level++) value = [value];
  return value;
};

describe('JSON made fit for storage', () => {
  it('has its texts and keys repaired at every level', () => {
    const value = { 'a\0': [{ b: '\ud800' }], c: 1, d: null, e: true };
    expect(toStorableJson(value)).toEqual({ 'a\uFFFD': [{ b: '\uFFFD' }], c: 1, d: null, e: true });
  });

  it('keeps keys that mean something to objects as plain keys', () => {
    const value: JsonValue = JSON.parse('{"__proto__":{"admin":true},"constructor":1}');
    const stored = toStorableJson(value);
    expect(JSON.stringify(stored)).toBe(JSON.stringify(value));
    expect(stored).not.toHaveProperty('admin');
  });

  it('is cut where it is nested too deeply to be written', () => {
    expect(toStorableJson(nest(64))).toEqual(nest(64));
    expect(JSON.stringify(toStorableJson(nest(100_000)))).toContain('[nested too deeply]');
  });
});
