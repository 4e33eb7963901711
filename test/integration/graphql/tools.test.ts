/** Tools, shields and vector stores of a running application. */
import { expect, it } from 'vitest';
import { startTestApp } from '../../support/app.ts';
import { startMcpServer } from '../../support/mcp-server.ts';

const SOURCE = `{
  tools { name kind error tools { name } }
  mcpClientAuthOptions { name headers }
  shields { id provider model }
  vectorStores { id name provider }
}`;

it('lists what the configuration and the built-in backend offer', async () => {
  await using server = await startMcpServer();
  await using app = await startTestApp({
    config: {
      shields: [{ id: 'guard', model: 'omni-moderation-latest' }],
      mcpServers: [
        { name: 'tickets', url: server.url, allowPrivateAddresses: true },
        { name: 'mine', url: 'https://mine.example.com/', headers: { 'X-Mine': { from: 'client' } } },
      ],
    },
  });
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: SOURCE }),
  });
  expect(await response.json()).toEqual({
    data: {
      tools: [
        { name: 'builtin', kind: 'BUILT_IN', error: null, tools: [{ name: 'file_search' }] },
        { name: 'tickets', kind: 'MCP_SERVER', error: null, tools: [{ name: 'find' }, { name: 'close' }] },
        {
          name: 'mine',
          kind: 'MCP_SERVER',
          error: 'the request brings no header X-Mine for it in MCP-HEADERS',
          tools: [],
        },
      ],
      mcpClientAuthOptions: [{ name: 'mine', headers: ['X-Mine'] }],
      shields: [{ id: 'guard', provider: null, model: 'omni-moderation-latest' }],
      vectorStores: [{ id: 'local', name: 'Imported documents', provider: 'millrace' }],
    },
  });
});
