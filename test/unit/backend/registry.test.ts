import { expect, test } from 'vitest';
import { createBackend } from '../../../src/backend/client.ts';
import { createBackendRegistry } from '../../../src/backend/registry.ts';
import { toBackendConfig } from '../../support/backend-config.ts';

const backend = createBackend(toBackendConfig('https://user:secret@models.example.org/v1?key=secret'));

test('a backend is found by its provider name', () => {
  const registry = createBackendRegistry([backend]);
  expect(registry.find('fake')).toBe(backend);
  expect(registry.find('other')).toBeUndefined();
});

test('two backends of one name are refused', () => {
  expect(() => createBackendRegistry([backend, backend])).toThrow('same id');
});

test('the location of a backend has no credentials', () => {
  expect(backend.location).toBe('https://models.example.org/v1');
});
