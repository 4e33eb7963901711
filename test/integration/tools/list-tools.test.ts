/** Listing the tools of MCP servers: a real server, hostile ones, and addresses that must not be contacted. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigInput, configSchema } from '../../../src/config/config.ts';
import { createLog } from '../../../src/log.ts';
import { type Lookup, lookupAll } from '../../../src/tools/mcp-address.ts';
import { createTools, type ToolGroup } from '../../../src/tools/tools.ts';
import { NO_CREDENTIALS, type TurnCredentials } from '../../../src/types/credentials.ts';
import {
  answerJson,
  startListener,
  startMcpServer,
  startScriptedMcpServer,
} from '../../support/mcp-server.ts';

type Servers = NonNullable<ConfigInput['mcpServers']>;
const { signal } = new AbortController();
const VIEWER = { id: 'ada', name: 'Ada', roles: ['*'] };
const JSON_TYPE = { 'content-type': 'application/json' };

async function list(
  mcpServers: Servers,
  values: { readonly lookup?: Lookup; readonly credentials?: Partial<TurnCredentials> } = {},
): Promise<readonly ToolGroup[]> {
  const { lookup = lookupAll, credentials } = values;
  const tools = createTools({ config: configSchema.parse({ mcpServers }), log: createLog('silent'), lookup });
  return (await tools.list(VIEWER, { ...NO_CREDENTIALS, ...credentials }, signal)).slice(1);
}

const local = (url: string) => ({ name: 'tickets', url, allowPrivateAddresses: true });
const named = (port: number) => ({ name: 'tickets', url: `http://tickets.test:${port}/mcp` });
const failed = (error: string): readonly ToolGroup[] => [
  { name: 'tickets', kind: 'MCP_SERVER', tools: [], error },
];

describe('a real MCP server', () => {
  it('is listed beside the built-in tools', async () => {
    await using server = await startMcpServer();
    const { list: listAll } = createTools({
      config: configSchema.parse({ mcpServers: [local(server.url)] }),
      log: createLog('silent'),
    });
    expect(await listAll(VIEWER, NO_CREDENTIALS, signal)).toMatchObject([
      { name: 'builtin', kind: 'BUILT_IN', tools: [{ name: 'file_search' }], error: null },
      {
        name: 'tickets',
        kind: 'MCP_SERVER',
        error: null,
        tools: [
          {
            name: 'find',
            description: 'Finds tickets.',
            inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
          },
          { name: 'close', description: null },
        ],
      },
    ]);
  });

  it('shows only the tools that may be called, and only to those who may', async () => {
    await using server = await startMcpServer();
    const groups = await list([
      { ...local(server.url), tools: ['close', 'none'] },
      { ...local(server.url), name: 'deploy', roles: ['admin'] },
    ]);
    expect(groups).toMatchObject([{ name: 'tickets', tools: [{ name: 'close' }] }]);
    expect(groups[0]?.tools).toHaveLength(1);
  });

  it('receives the configured headers with every request', async () => {
    await using server = await startMcpServer();
    const headers = {
      Authorization: { from: 'kubernetes' as const },
      'X-Team': 'blue',
      'X-Mine': { from: 'client' as const },
    };
    const credentials = { bearerToken: 'abc', mcpHeaders: { tickets: { 'x-mine': 'm' } } };
    const [group] = await list([{ ...local(server.url), headers }], { credentials });
    expect(group?.error).toBeNull();
    expect(server.requests.length).toBeGreaterThan(2);
    for (const { headers: sent } of server.requests) {
      expect(sent).toMatchObject({ authorization: 'Bearer abc', 'x-team': 'blue', 'x-mine': 'm' });
    }
  });

  it('is reached by its name at the address that was looked up', async () => {
    await using server = await startMcpServer();
    const lookup: Lookup = async () => [{ address: '127.0.0.1', family: 4 }];
    const [group] = await list([{ ...named(server.port), allowPrivateAddresses: true }], { lookup });
    expect(group).toMatchObject({ error: null, tools: [{ name: 'find' }, { name: 'close' }] });
    expect(server.requests[0]?.headers.host).toBe(`tickets.test:${server.port}`);
  });

  it('stays when another one fails', async () => {
    await using server = await startMcpServer();
    const closed = { name: 'gone', url: 'http://127.0.0.1:1/mcp', allowPrivateAddresses: true };
    expect(await list([closed, local(server.url)])).toMatchObject([
      { name: 'gone', tools: [], error: 'it could not be asked' },
      { name: 'tickets', error: null },
    ]);
  });
});

describe('addresses that must not be contacted', () => {
  it.each<[string, readonly string[]]>([
    ['this machine', ['127.0.0.1']],
    ['this machine among others', ['203.1.2.3', '127.0.0.1']],
    ['this machine in IPv6 form', ['::ffff:127.0.0.1']],
  ])('a name that leads to %s: no connection is made', async (_what, addresses) => {
    await using server = await startMcpServer();
    const lookup: Lookup = async () => addresses.map((address) => ({ address, family: 4 }));
    expect(await list([named(server.port)], { lookup })).toEqual(
      failed('SSRF_BLOCKED: its host name does not lead to the public internet'),
    );
    expect(server.connections()).toBe(0);
  });

  it('are not looked up a second time between the check and the connection', async () => {
    await using server = await startMcpServer();
    let lookups = 0;
    const lookup: Lookup = async () => {
      lookups += 1;
      return [{ address: '127.0.0.1', family: 4 }];
    };
    await list([{ ...named(server.port), allowPrivateAddresses: true }], { lookup });
    expect(server.connections()).toBeGreaterThan(0);
    expect(lookups).toBe(1);
  });

  it('a header that cannot be had: no connection is made', async () => {
    await using server = await startMcpServer();
    const headers = { 'X-Mine': { from: 'client' as const } };
    expect(await list([{ ...local(server.url), headers }])).toEqual(
      failed('the request brings no header X-Mine for it in MCP-HEADERS'),
    );
    expect(server.connections()).toBe(0);
  });
});

describe('redirects', () => {
  it.each([301, 302, 307, 308])('are not followed, and no header goes elsewhere: %i', async (status) => {
    await using elsewhere = await startMcpServer();
    await using server = await startListener((_request, response) => {
      response.writeHead(status, { location: elsewhere.url }).end();
    });
    const headers = { Authorization: 'Bearer secret' };
    expect(await list([{ ...local(server.url), headers }])).toEqual(
      failed('it redirects to another address'),
    );
    expect(elsewhere.connections()).toBe(0);
  });
});

describe('hostile answers', () => {
  it('a list of more than 1 MiB is cut off', async () => {
    const description = 'd'.repeat(10_000);
    const tools = Array.from({ length: 1_000 }, (_, index) => ({
      name: `tool-${index}`,
      description,
      inputSchema: { type: 'object' },
    }));
    await using server = await startScriptedMcpServer((id, response) => answerJson(response, id, { tools }));
    expect(await list([local(server.url)])).toEqual(failed('its list of tools is too large'));
  });

  it('a stream without end is cut off', async () => {
    await using server = await startScriptedMcpServer((_id, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const line = `: ${'x'.repeat(64 * 1024)}\n`;
      const write = (): void => {
        while (!response.destroyed && response.write(line));
      };
      response.on('drain', write);
      write();
    });
    expect(await list([local(server.url)])).toEqual(failed('its list of tools is too large'));
  });

  it('pages without end are left after 1,000 tools', async () => {
    await using server = await startScriptedMcpServer((id, response, { cursor = '0' }) => {
      const tools = Array.from({ length: 300 }, (_, index) => ({ name: `tool-${cursor}-${index}` }));
      answerJson(response, id, { tools, nextCursor: String(Number(cursor) + 1) });
    });
    const [group] = await list([local(server.url)]);
    expect(group?.error).toBeNull();
    expect(group?.tools).toHaveLength(1_000);
  });

  it('pages without tools are not asked for again', async () => {
    await using server = await startScriptedMcpServer((id, response) =>
      answerJson(response, id, { tools: [], nextCursor: 'more' }),
    );
    expect(await list([local(server.url)])).toMatchObject([{ tools: [], error: null }]);
  });

  it('names are cleaned, and schemas are neither compiled nor shown when they are deep', async () => {
    const depth = 20_000;
    const schema = `${'{"properties":'.repeat(depth)}{}${'}'.repeat(depth)}`;
    await using server = await startScriptedMcpServer((id, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const tool = `{"name": "__proto__", "description": "\\u001b[31mred", "inputSchema": ${schema}, "outputSchema": {"pattern": "(a+)+$"}}`;
      response.end(`{"jsonrpc": "2.0", "id": ${id}, "result": {"tools": [${tool}]}}`);
    });
    const [group] = await list([local(server.url)]);
    expect(group).toMatchObject({
      error: null,
      tools: [{ name: '__proto__', description: 'red', inputSchema: null }],
    });
  });

  it('what the server says of its failure is not passed on', async () => {
    await using server = await startListener((_request, response) => {
      response.writeHead(403).end('your token Bearer secret is wrong');
    });
    expect(await list([local(server.url)])).toEqual(failed('it answered with HTTP status 403'));
  });

  it('a server that never answers is given up when nobody waits', async () => {
    const controller = new AbortController();
    await using server = await startListener(() => controller.abort(new Error('cancelled')));
    const config = configSchema.parse({ mcpServers: [local(server.url)] });
    const tools = createTools({ config, log: createLog('silent') });
    await expect(tools.list(VIEWER, NO_CREDENTIALS, controller.signal)).rejects.toThrow('cancelled');
  });

  it.each<[string, RequestListener]>([
    ['never answers', () => {}],
    ['answers without end', (_request, response) => response.writeHead(200, JSON_TYPE).write('{')],
  ])('a server that %s is given up after some time', async (_what, answer) => {
    await using server = await startListener(answer);
    const config = configSchema.parse({ mcpServers: [local(server.url)] });
    const tools = createTools({ config, log: createLog('silent'), listingTimeoutMs: 200 });
    const groups = await tools.list(VIEWER, NO_CREDENTIALS, signal);
    expect(groups.slice(1)).toEqual(failed('it did not answer in time'));
  });
});

describe('headers from files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-tools-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const resolve = async (file: string) => {
    const mcpServers = [{ ...local('http://127.0.0.1:1/mcp'), headers: { 'X-Key': { file } } }];
    const tools = createTools({ config: configSchema.parse({ mcpServers }), log: createLog('silent') });
    const plan = { vectorStoreIds: [], mcpServers: ['tickets'] };
    return tools.resolve(plan, NO_CREDENTIALS, signal);
  };

  it('are sent without the white space around them', async () => {
    const file = join(folder, 'key');
    await writeFile(file, 'secret-1234\n');
    expect((await resolve(file)).tools).toMatchObject([{ headers: { 'X-Key': 'secret-1234' } }]);
  });

  it.each([
    ['is not there', undefined],
    ['is empty', '\n'],
    ['holds two lines', 'secret-1234\r\nX-Evil: 1'],
  ])('leave the server out when the file %s, and tell neither path nor content', async (_what, content) => {
    const file = join(folder, 'wrong');
    await rm(file, { force: true });
    if (content !== undefined) await writeFile(file, content);
    expect(await resolve(file)).toEqual({
      tools: [],
      warnings: [
        {
          warning: 'MCP_SERVER_SKIPPED',
          message: 'MCP server tickets was left out: the file of the header X-Key cannot be read',
        },
      ],
    });
  });
});
