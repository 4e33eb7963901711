/** Who is asking, who answers, and what may be asked. */
import { describe, expect, it } from 'vitest';
import type { Action } from '../../../src/types/action.ts';
import { createListingBackend, createModelDeps, toModel } from '../../support/backends.ts';
import { createContext, errorsOf, run } from '../../support/graphql.ts';

const east = createListingBackend('east', [toModel('large')]);
const down = createListingBackend('down', 'unreachable');

describe('viewer', () => {
  it('is the one who asks, with what they may do', async () => {
    const granted: readonly Action[] = ['INFO', 'QUERY'];
    const context = createContext({
      services: { policy: { can: (_viewer, action) => granted.includes(action) } },
    });
    expect(await run('{ viewer { id name roles actions } }', context)).toEqual({
      data: { viewer: { id: 'ada', name: 'Ada', roles: ['*'], actions: ['QUERY', 'INFO'] } },
    });
  });
});

describe('serviceInfo', () => {
  const source = '{ serviceInfo { name version defaultProvider defaultModel } }';
  const service = { name: 'millrace', version: '1.2.3' };

  it('names the service and the configured model', async () => {
    const deps = createModelDeps([], { defaultProvider: 'east', defaultModel: 'large' });
    expect(await run(source, createContext({ services: { ...deps, service } }))).toEqual({
      data: { serviceInfo: { ...service, defaultProvider: 'east', defaultModel: 'large' } },
    });
  });

  it('has no default model when none is configured', async () => {
    expect(await run(source, createContext({ services: { ...createModelDeps([]), service } }))).toEqual({
      data: { serviceInfo: { ...service, defaultProvider: null, defaultModel: null } },
    });
  });
});

describe('models and providers', () => {
  const models = '{ models { provider id kind contextWindow isDefault } }';

  it('lists models', async () => {
    const model = { provider: 'east', id: 'large', kind: 'LLM', contextWindow: 128_000, isDefault: false };
    expect(await run(models, createContext({ services: createModelDeps([east, down]) }))).toEqual({
      data: { models: [model] },
    });
  });

  it('keeps the rest of the answer when no backend can be reached', async () => {
    const context = createContext({ services: createModelDeps([down]) });
    const result = await run('{ models { id } viewer { id } }', context);
    expect(result.data).toEqual({ models: null, viewer: { id: 'ada' } });
    expect(errorsOf(result)).toMatchObject([{ code: 'BACKEND_UNAVAILABLE' }]);
  });

  it('tells at its provider that a backend cannot be reached', async () => {
    const context = createContext({ services: createModelDeps([east, down]) });
    const result = await run('{ providers { id models { id } } }', context);
    expect(result.data).toEqual({
      providers: [
        { id: 'east', models: [{ id: 'large' }] },
        { id: 'down', models: null },
      ],
    });
    expect(errorsOf(result)).toMatchObject([{ code: 'BACKEND_UNAVAILABLE' }]);
  });

  it('asks for GET_MODELS also on the way over a provider', async () => {
    const policy = { can: (_viewer: unknown, action: Action) => action === 'LIST_PROVIDERS' };
    const context = createContext({ services: { ...createModelDeps([east]), policy } });
    const result = await run('{ providers { models { id } } }', context);
    expect(errorsOf(result)).toMatchObject([{ code: 'FORBIDDEN' }]);
  });
});

describe('provider', () => {
  const source = '{ provider(id: "%") { id models { id } } }';

  it('is a configured backend', async () => {
    const context = createContext({ services: createModelDeps([down, east]) });
    expect(await run(source.replace('%', 'east'), context)).toEqual({
      data: { provider: { id: 'east', models: [{ id: 'large' }] } },
    });
  });

  it('is NOT_FOUND when there is none of this name', async () => {
    const result = await run(
      source.replace('%', 'west'),
      createContext({ services: createModelDeps([east]) }),
    );
    expect(result.data).toEqual({ provider: null });
    expect(errorsOf(result)).toEqual([{ code: 'NOT_FOUND', message: 'Provider not found' }]);
  });
});

describe('configuration', () => {
  const configuration = { server: { port: 4000 }, database: { url: '***' } };

  it('is what may be shown, for those who may see it', async () => {
    const policy = { can: (_viewer: unknown, action: Action) => action === 'GET_CONFIG' };
    const context = createContext({ services: { policy, configuration } });
    expect(await run('{ configuration }', context)).toEqual({ data: { configuration } });
  });

  it('is for nobody else', async () => {
    const result = await run('{ configuration }', createContext({ services: { configuration } }));
    expect(errorsOf(result)).toMatchObject([{ code: 'FORBIDDEN' }]);
  });
});
