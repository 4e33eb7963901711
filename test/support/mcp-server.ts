/** MCP servers on loopback: a real one, and one that answers as a script says. Both keep what they were asked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

export interface Listener extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections so far. */
  readonly connections: () => number;
  readonly requests: readonly IncomingMessage[];
}

export async function startListener(answer: RequestListener): Promise<Listener> {
  const requests: IncomingMessage[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    connections: () => connections,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Has the tools `find` and `close`. */
export function startMcpServer(): Promise<Listener> {
  return startListener(async (request, response) => {
    const server = new McpServer({ name: 'tickets', version: '1' });
    const inputSchema = { text: z.string() };
    server.registerTool('find', { description: 'Finds tickets.', inputSchema }, async () => ({
      content: [],
    }));
    server.registerTool('close', {}, async () => ({ content: [] }));
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: false });
    response.on('close', () => void server.close());
    await server.connect(transport as Parameters<typeof server.connect>[0]);
    await transport.handleRequest(request, response);
  });
}

/** Speaks MCP far enough to be asked for its tools; what it says then is the script's. */
export function startScriptedMcpServer(
  answerList: (id: number, response: ServerResponse, params: { readonly cursor?: string }) => void,
): Promise<Listener> {
  return startListener(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const message = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
    if (message.method === 'tools/list') return answerList(message.id, response, message.params ?? {});
    if (message.method !== 'initialize') return void response.writeHead(202).end();
    answerJson(response, message.id, {
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 'scripted', version: '1' },
    });
  });
}

export function answerJson(response: ServerResponse, id: number, result: object): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}
