/** Which model answers. */
import { describe, expect, it } from 'vitest';
import { chooseModel, type ModelDeps, type WantedModel } from '../../../src/models/choose-model.ts';
import { createListingBackend, createModelDeps, toModel } from '../../support/backends.ts';

const east = createListingBackend('east', [
  toModel('embed', 'EMBEDDING'),
  toModel('small'),
  toModel('large'),
]);
const west = createListingBackend('west', [toModel('small')]);
const down = createListingBackend('down', 'unreachable');
const configured = { defaultProvider: 'west', defaultModel: 'small' };

async function choose(deps: ModelDeps, wanted: WantedModel): Promise<string> {
  const { backend, model } = await chooseModel(deps, wanted, new AbortController().signal);
  return `${backend.id}/${model.id}`;
}

describe('the order of choice', () => {
  const deps = createModelDeps([east, west], configured);
  const lastUsed = { provider: 'east', model: 'large' };

  it('takes the pair of the request first', async () => {
    expect(await choose(deps, { provider: 'east', model: 'small', lastUsed })).toBe('east/small');
  });

  it('then what the conversation used last', async () => {
    expect(await choose(deps, { lastUsed })).toBe('east/large');
  });

  it('passes over what the conversation used last when it is no longer offered', async () => {
    expect(await choose(deps, { lastUsed: { provider: 'east', model: 'gone' } })).toBe('west/small');
    expect(await choose(deps, { lastUsed: { provider: 'gone', model: 'large' } })).toBe('west/small');
  });

  it('then the configured pair', async () => {
    expect(await choose(deps, { lastUsed: null })).toBe('west/small');
  });

  it('then the first LLM that the backends list', async () => {
    expect(await choose(createModelDeps([east, west]), {})).toBe('east/small');
  });

  it('passes over backends that cannot be reached or have no LLM while looking for the first LLM', async () => {
    const embeddings = createListingBackend('embeddings', [toModel('embed', 'EMBEDDING')]);
    expect(await choose(createModelDeps([down, embeddings, west]), {})).toBe('west/small');
  });
});

describe('refusals', () => {
  const deps = createModelDeps([east, down], { defaultProvider: 'east', defaultModel: 'gone' });

  it.each<[WantedModel, string]>([
    [{ model: 'small' }, 'Provider must be specified if model is specified'],
    [{ provider: 'east' }, 'Model must be specified if provider is specified'],
  ])('half a pair is BAD_USER_INPUT: %j', async (wanted, message) => {
    await expect(choose(deps, wanted)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message });
  });

  it.each<[string, WantedModel]>([
    ['model', { provider: 'east', model: 'gone' }],
    ['provider', { provider: 'gone', model: 'small' }],
    ['configured pair', {}],
  ])('an unknown %s is NOT_FOUND', async (_what, wanted) => {
    await expect(choose(deps, wanted)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Model not found',
      details: { explanation: `Model with ID ${wanted.model ?? 'gone'} is not configured` },
    });
  });

  it.each<[string, WantedModel]>([
    ['the pair of the request', { provider: 'down', model: 'small' }],
    ['the pair that was used last', { lastUsed: { provider: 'down', model: 'small' } }],
  ])('an unreachable backend of %s is BACKEND_UNAVAILABLE', async (_what, wanted) => {
    await expect(choose(deps, wanted)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });

  it('no reachable backend at all is BACKEND_UNAVAILABLE', async () => {
    await expect(choose(createModelDeps([down]), {})).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });

  it('no LLM at all is NOT_FOUND', async () => {
    const embeddings = createListingBackend('embeddings', [toModel('embed', 'EMBEDDING')]);
    await expect(choose(createModelDeps([embeddings]), {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
