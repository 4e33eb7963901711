/** What may be asked for. */
import { describe, expect, it } from 'vitest';
import { listModels, listProviders } from '../../../src/models/list-models.ts';
import { createListingBackend, createModelDeps, toModel } from '../../support/backends.ts';

const east = createListingBackend('east', [toModel('large'), toModel('small')]);
const west = createListingBackend('west', [toModel('small')]);
const down = createListingBackend('down', 'unreachable');
const { signal } = new AbortController();

describe('listModels', () => {
  it('lists the models of all backends in their order and marks the configured one', async () => {
    const deps = createModelDeps([east, west], { defaultProvider: 'west', defaultModel: 'small' });
    const models = await listModels(deps, undefined, signal);
    expect(models.map(({ provider, id, isDefault }) => [provider, id, isDefault])).toEqual([
      ['east', 'large', false],
      ['east', 'small', false],
      ['west', 'small', true],
    ]);
  });

  it('lists the models of one provider', async () => {
    const models = await listModels(createModelDeps([east, west]), 'west', signal);
    expect(models.map(({ provider }) => provider)).toEqual(['west']);
  });

  it('leaves out a backend that cannot be reached', async () => {
    const models = await listModels(createModelDeps([down, west]), undefined, signal);
    expect(models.map(({ provider }) => provider)).toEqual(['west']);
  });

  it('throws when no backend can be reached', async () => {
    await expect(listModels(createModelDeps([down]), undefined, signal)).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    });
  });

  it('throws when the one provider that was asked for cannot be reached', async () => {
    await expect(listModels(createModelDeps([down, west]), 'down', signal)).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    });
  });

  it('lets a fault through although other backends answer', async () => {
    const broken = { ...east, listModels: () => Promise.reject(new TypeError('broken')) };
    await expect(listModels(createModelDeps([broken, west]), undefined, signal)).rejects.toThrow('broken');
  });

  it('refuses an unknown provider with NOT_FOUND', async () => {
    await expect(listModels(createModelDeps([east]), 'gone', signal)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      details: { explanation: 'Provider with ID gone is not configured' },
    });
  });
});

describe('listProviders', () => {
  it('lists the backends, reachable or not', () => {
    expect(listProviders(createModelDeps([east, down]))).toEqual([{ id: 'east' }, { id: 'down' }]);
  });
});
