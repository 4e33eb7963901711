/** Tools, headers for MCP servers and vector stores in the API. */
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import type { ToolGroup, Tools } from '../../../src/tools/tools.ts';
import type { TurnCredentials } from '../../../src/types/credentials.ts';
import { createListingBackend, createModelDeps } from '../../support/backends.ts';
import { createContext, errorsOf, only, run } from '../../support/graphql.ts';

describe('tools', () => {
  it('are listed by where they come from, a server that fails with its error, for the credentials of the request', async () => {
    const groups: readonly ToolGroup[] = [
      {
        name: 'tickets',
        kind: 'MCP_SERVER',
        tools: [{ name: 'find', description: null, inputSchema: { type: 'object' } }],
        error: null,
      },
      { name: 'gone', kind: 'MCP_SERVER', tools: [], error: 'it could not be asked' },
    ];
    const given: TurnCredentials[] = [];
    const tools = only<Tools>('tools', {
      async list(_viewer, credentials) {
        given.push(credentials);
        return groups;
      },
    });
    const credentials = { bearerToken: 'abc', mcpHeaders: {} };
    const context = createContext({ credentials, services: { tools } });
    const source = '{ tools { name kind error tools { name description inputSchema } } }';
    expect(await run(source, context)).toEqual({ data: { tools: groups } });
    expect(given).toEqual([credentials]);
  });
});

describe('mcpClientAuthOptions', () => {
  it('names servers and headers', async () => {
    const options = [{ name: 'tickets', headers: ['X-Token'] }];
    const tools = only<Tools>('tools', { listClientAuthOptions: () => options });
    const context = createContext({ services: { tools } });
    expect(await run('{ mcpClientAuthOptions { name headers } }', context)).toEqual({
      data: { mcpClientAuthOptions: options },
    });
  });
});

describe('vectorStores', () => {
  const source = '{ vectorStores { id name provider } }';

  it('are listed with their provider', async () => {
    const knownVectorStores = async () => [{ id: 'local', name: null }];
    const east = { ...createListingBackend('east', []), knownVectorStores };
    expect(await run(source, createContext({ services: createModelDeps([east]) }))).toEqual({
      data: { vectorStores: [{ id: 'local', name: null, provider: 'east' }] },
    });
  });

  it('are null, with an error, when no backend can be reached', async () => {
    const knownVectorStores = () => Promise.reject(new AppError('BACKEND_UNAVAILABLE', 'down'));
    const down = { ...createListingBackend('down', []), knownVectorStores };
    const result = await run(source, createContext({ services: createModelDeps([down]) }));
    expect(result.data).toEqual({ vectorStores: null });
    expect(errorsOf(result)).toMatchObject([{ code: 'BACKEND_UNAVAILABLE' }]);
  });
});
