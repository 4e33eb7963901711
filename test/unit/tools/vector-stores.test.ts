/** The vector stores that may be searched. */
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { listVectorStores } from '../../../src/tools/vector-stores.ts';
import { createListingBackend, createModelDeps } from '../../support/backends.ts';

const { signal } = new AbortController();
const east = {
  ...createListingBackend('east', []),
  knownVectorStores: async () => [{ id: 'vs_1', name: 'Manuals' }],
};
const silent = { ...createListingBackend('silent', []), knownVectorStores: async () => undefined };
const down = {
  ...createListingBackend('down', []),
  knownVectorStores: () => Promise.reject(new AppError('BACKEND_UNAVAILABLE', 'down')),
};

describe('listVectorStores', () => {
  it('lists what is known, passing over backends that do not tell or cannot be reached', async () => {
    expect(await listVectorStores(createModelDeps([down, silent, east]), signal)).toEqual([
      { id: 'vs_1', name: 'Manuals', provider: 'east' },
    ]);
  });

  it('fails when no backend can be reached', async () => {
    await expect(listVectorStores(createModelDeps([down]), signal)).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    });
  });
});
