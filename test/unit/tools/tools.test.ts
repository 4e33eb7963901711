/** The tools of a turn: what is planned, and what credentials make of it. */
import { describe, expect, it } from 'vitest';
import { type ConfigInput, configSchema } from '../../../src/config/config.ts';
import { createLog } from '../../../src/log.ts';
import type { Lookup } from '../../../src/tools/mcp-address.ts';
import { createTools, type ToolBackend, type ToolRequest } from '../../../src/tools/tools.ts';
import { NO_CREDENTIALS, type TurnCredentials } from '../../../src/types/credentials.ts';
import type { Viewer } from '../../../src/types/viewer.ts';

const { signal } = new AbortController();
const VIEWER: Viewer = { id: 'ada', name: 'Ada', roles: ['*', 'staff'] };
const PUBLIC: Lookup = async () => [{ address: '203.1.2.3', family: 4 }];
const EVERYTHING: ToolRequest = { noTools: false, vectorStoreIds: null };
const URL = 'https://tickets.example.com/mcp';

function createTestTools(mcpServers: NonNullable<ConfigInput['mcpServers']>, lookup = PUBLIC) {
  const config = configSchema.parse({ mcpServers });
  return createTools({ config, log: createLog('silent'), lookup });
}

const createBackend = (values: Partial<ToolBackend> = {}): ToolBackend => ({
  id: 'east',
  knownVectorStores: async () => [
    { id: 'local', name: null },
    { id: 'manuals', name: 'Manuals' },
  ],
  defaultVectorStores: async () => ['local'],
  ...values,
});

async function resolve(
  mcpServers: NonNullable<ConfigInput['mcpServers']>,
  credentials: Partial<TurnCredentials> = {},
  lookup = PUBLIC,
) {
  const tools = createTestTools(mcpServers, lookup);
  const plan = await tools.plan(
    VIEWER,
    { backend: createBackend({ defaultVectorStores: async () => [] }), request: EVERYTHING },
    signal,
  );
  return tools.resolve(plan, { ...NO_CREDENTIALS, ...credentials }, signal);
}

describe('vector stores', () => {
  const { plan, resolve: resolvePlan } = createTestTools([]);

  it('are exactly those that the request names, each once', async () => {
    const wanted = { noTools: false, vectorStoreIds: ['manuals', 'manuals'] };
    expect(await plan(VIEWER, { backend: createBackend(), request: wanted }, signal)).toMatchObject({
      vectorStoreIds: ['manuals'],
    });
  });

  it("are the backend's default ones when the request names none", async () => {
    expect(await plan(VIEWER, { backend: createBackend(), request: EVERYTHING }, signal)).toMatchObject({
      vectorStoreIds: ['local'],
    });
  });

  it('are none for an empty list', async () => {
    const planned = await plan(
      VIEWER,
      { backend: createBackend(), request: { noTools: false, vectorStoreIds: [] } },
      signal,
    );
    expect(await resolvePlan(planned, NO_CREDENTIALS, signal)).toEqual({ tools: [], warnings: [] });
  });

  it('an unknown one is NOT_FOUND', async () => {
    const wanted = { noTools: false, vectorStoreIds: ['local', 'other'] };
    await expect(plan(VIEWER, { backend: createBackend(), request: wanted }, signal)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Vector store not found',
      details: { explanation: 'Vector store with ID other does not exist at east' },
    });
  });

  it('are believed where only the backend knows them', async () => {
    const backend = createBackend({ knownVectorStores: async () => undefined });
    const wanted = { noTools: false, vectorStoreIds: ['vs_1'] };
    expect(await plan(VIEWER, { backend, request: wanted }, signal)).toMatchObject({
      vectorStoreIds: ['vs_1'],
    });
  });

  it('become one file_search for ten passages', async () => {
    const planned = await plan(VIEWER, { backend: createBackend(), request: EVERYTHING }, signal);
    expect(await resolvePlan(planned, NO_CREDENTIALS, signal)).toEqual({
      tools: [{ type: 'file_search', vector_store_ids: ['local'], max_num_results: 10 }],
      warnings: [],
    });
  });
});

describe('noTools', () => {
  it('asks nobody and looks nothing up', async () => {
    const refuse = () => Promise.reject(new Error('asked'));
    const tools = createTestTools([{ name: 'tickets', url: URL }], refuse);
    const backend = createBackend({
      knownVectorStores: refuse,
      defaultVectorStores: refuse,
    });
    const planned = await tools.plan(
      VIEWER,
      { backend, request: { noTools: true, vectorStoreIds: ['other'] } },
      signal,
    );
    expect(await tools.resolve(planned, NO_CREDENTIALS, signal)).toEqual({ tools: [], warnings: [] });
  });
});

describe('an MCP server', () => {
  it('is there for the roles that it names, and nobody else learns of it', async () => {
    const headers = { 'X-Token': { from: 'client' } } as const;
    const tools = createTestTools([
      { name: 'tickets', url: URL, roles: ['staff', 'support'], headers },
      { name: 'deploy', url: URL, roles: ['admin'], headers },
      { name: 'search', url: URL, headers },
    ]);
    const { mcpServers } = await tools.plan(
      VIEWER,
      { backend: createBackend(), request: EVERYTHING },
      signal,
    );
    expect(mcpServers).toEqual(['tickets', 'search']);
    expect(tools.listClientAuthOptions(VIEWER).map(({ name }) => name)).toEqual(['tickets', 'search']);
  });

  it('offers the tools that the configuration names', async () => {
    const { tools } = await resolve([{ name: 'tickets', url: URL, tools: ['find', 'read'] }]);
    expect(tools).toMatchObject([{ server_label: 'tickets', allowed_tools: ['find', 'read'] }]);
  });

  it('becomes a tool of its own', async () => {
    const resolved = await resolve([
      { name: 'tickets', url: URL },
      { name: 'deploy', url: URL, requireApproval: 'always', headers: { 'X-Team': 'blue' } },
    ]);
    expect(resolved).toEqual({
      tools: [
        { type: 'mcp', server_label: 'tickets', server_url: URL, require_approval: 'never' },
        {
          type: 'mcp',
          server_label: 'deploy',
          server_url: URL,
          require_approval: 'always',
          headers: { 'X-Team': 'blue' },
        },
      ],
      warnings: [],
    });
  });
});

describe('headers', () => {
  const kubernetes = {
    name: 'cluster',
    url: URL,
    headers: { Authorization: { from: 'kubernetes' as const } },
  };
  const client = { name: 'tickets', url: URL, headers: { 'X-Token': { from: 'client' as const } } };

  it("kubernetes: the viewer's own bearer token", async () => {
    const { tools } = await resolve([kubernetes], { bearerToken: 'abc' });
    expect(tools).toMatchObject([{ headers: { Authorization: 'Bearer abc' } }]);
  });

  it('client: what the request brings for this server', async () => {
    const { tools } = await resolve([client], { mcpHeaders: { tickets: { 'x-token': 't', 'x-more': 'm' } } });
    expect(tools).toMatchObject([{ headers: { 'X-Token': 't' } }]);
  });

  it('without one of them the server is left out, and the others stay', async () => {
    const other = { name: 'open', url: URL };
    const { tools, warnings } = await resolve([kubernetes, client, other], {
      mcpHeaders: { open: { 'x-token': 'secret' } },
    });
    expect(tools).toMatchObject([{ server_label: 'open' }]);
    expect(warnings.map(({ message }) => message)).toEqual([
      'MCP server cluster was left out: the header Authorization needs a bearer token, and the request has none',
      'MCP server tickets was left out: the request brings no header X-Token for it in MCP-HEADERS',
    ]);
  });

  it.each(['constructor', 'toString'])('are not taken from what every object inherits: %s', async (name) => {
    const server = { name, url: URL, headers: { [name]: { from: 'client' as const } } };
    const { tools, warnings } = await resolve([server], { mcpHeaders: {} });
    expect(tools).toEqual([]);
    expect(warnings).toHaveLength(1);
  });

  it('lists the servers and headers that a client has to send', () => {
    const mixed = { ...client, name: 'mixed', headers: { ...client.headers, 'X-Team': 'blue' } };
    expect(createTestTools([kubernetes, mixed]).listClientAuthOptions(VIEWER)).toEqual([
      { name: 'mixed', headers: ['X-Token'] },
    ]);
  });
});

describe('addresses', () => {
  const blocked = async (...addresses: readonly string[]) => {
    const lookup: Lookup = async () => addresses.map((address) => ({ address, family: 4 }));
    const { tools, warnings } = await resolve([{ name: 'tickets', url: URL }], {}, lookup);
    expect(tools).toEqual([]);
    return warnings.map(({ message }) => message);
  };

  it.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', 'fd00::1', '::ffff:10.0.0.1'])(
    'a name that leads to %s is SSRF_BLOCKED, and the warning names no address',
    async (address) => {
      expect(await blocked(address)).toEqual([
        'MCP server tickets was left out: SSRF_BLOCKED: its host name does not lead to the public internet',
      ]);
    },
  );

  it('all answers count, not the first alone', async () => {
    expect(await blocked('203.1.2.3', '10.0.0.1')).toEqual([expect.stringContaining('SSRF_BLOCKED')]);
  });

  it('are looked up anew for every turn', async () => {
    const answers = ['203.1.2.3', '127.0.0.1'];
    const lookup: Lookup = async () => [{ address: answers.shift() ?? '', family: 4 }];
    const tools = createTestTools([{ name: 'tickets', url: URL }], lookup);
    const plan = await tools.plan(
      VIEWER,
      { backend: createBackend(), request: { noTools: false, vectorStoreIds: [] } },
      signal,
    );
    expect((await tools.resolve(plan, NO_CREDENTIALS, signal)).tools).toHaveLength(1);
    expect((await tools.resolve(plan, NO_CREDENTIALS, signal)).tools).toEqual([]);
  });

  it('a name without an address leaves the server out', async () => {
    expect(await blocked()).toEqual(['MCP server tickets was left out: its host name has no address']);
  });

  it('a look-up that fails leaves the server out', async () => {
    const { warnings } = await resolve([{ name: 'tickets', url: URL }], {}, () =>
      Promise.reject(new Error('ENOTFOUND tickets.example.com')),
    );
    expect(warnings).toMatchObject([{ message: expect.stringContaining('its host name has no address') }]);
  });

  it('may be private where the configuration allows it', async () => {
    const server = { name: 'tickets', url: URL, allowPrivateAddresses: true };
    const { tools } = await resolve([server], {}, async () => [{ address: '10.0.0.1', family: 4 }]);
    expect(tools).toHaveLength(1);
  });

  it("rejects with the signal's reason once nobody waits", async () => {
    const controller = new AbortController();
    const tools = createTestTools([{ name: 'tickets', url: URL }], () => new Promise(() => {}));
    const plan = await tools.plan(VIEWER, { backend: createBackend(), request: EVERYTHING }, signal);
    const resolving = tools.resolve(plan, NO_CREDENTIALS, controller.signal);
    controller.abort(new Error('cancelled'));
    await expect(resolving).rejects.toThrow('cancelled');
  });
});
