/** Asks an MCP server for its tools, over a connection that leads where it was checked to lead and nowhere else. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  StreamableHTTPClientTransport,
  StreamableHTTPError,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Agent, fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import { AppError, isAppError } from '../errors.ts';
import type { HostAddress } from './mcp-address.ts';
import { type Tool, toTool } from './tool.ts';

export interface McpEndpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Connections are made to these only. */
  readonly addresses: readonly HostAddress[];
  /** Longest time in milliseconds for all of the listing. */
  readonly timeoutMs: number;
}

/** Of all answers together, unpacked. */
const MAX_BYTES = 1024 * 1024;
const MAX_TOOLS = 1_000;

const pageSchema = z.object({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });

/**
 * The server's tools in its own order, at most 1,000. Nothing that the server says of a tool is run or compiled.
 * Throws an AppError whose message, the end of a sentence about the server, quotes nothing that the server sent.
 */
export async function listMcpTools(endpoint: McpEndpoint, signal: AbortSignal): Promise<readonly Tool[]> {
  const { timeoutMs } = endpoint;
  const deadline = AbortSignal.timeout(timeoutMs);
  const overflow = new AbortController();
  const limits = AbortSignal.any([signal, deadline, overflow.signal]);
  const agent = createPinnedAgent(endpoint);
  const transport = new StreamableHTTPClientTransport(new URL(endpoint.url), {
    requestInit: { headers: { ...endpoint.headers } },
    fetch: createFetch(agent, limits, overflow),
  });
  const client = new Client({ name: 'millrace', version: '1' });
  try {
    const options = { signal: limits, timeout: timeoutMs };
    await client.connect(transport, options);
    const tools = await readPages((cursor) =>
      client.request({ method: 'tools/list', params: { cursor } }, pageSchema, options),
    );
    // A courtesy: a server that takes no leave has answered all the same.
    await Promise.allSettled([transport.terminateSession()]);
    return tools;
  } catch (error) {
    signal.throwIfAborted();
    throw toListingError(overflow.signal.reason ?? error, deadline.aborted);
  } finally {
    await client.close();
    await agent.destroy();
  }
}

async function readPages(
  ask: (cursor: string | undefined) => Promise<z.output<typeof pageSchema>>,
): Promise<readonly Tool[]> {
  const tools: Tool[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    tools.push(...page.tools.flatMap((entry) => toTool(entry) ?? []));
    cursor = page.tools.length === 0 ? undefined : page.nextCursor;
  } while (cursor !== undefined && tools.length < MAX_TOOLS);
  return tools.slice(0, MAX_TOOLS);
}

function createPinnedAgent({ addresses, timeoutMs }: McpEndpoint): Agent {
  return new Agent({
    connect: {
      timeout: timeoutMs,
      lookup: (_hostname, _options, callback) => callback(null, [...addresses]),
    },
  });
}

/** Follows no redirect, opens no stream for the server's own messages, and counts what comes back. */
function createFetch(agent: Agent, limits: AbortSignal, overflow: AbortController) {
  const fetchOnce = undiciFetch as unknown as (url: unknown, init: object) => Promise<Response>;
  let bytes = 0;
  const counter = () =>
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes <= MAX_BYTES) return controller.enqueue(chunk);
        overflow.abort(new AppError('BACKEND_PROTOCOL', 'its list of tools is too large'));
      },
    });
  return async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    if (init.method === 'GET') return new Response(null, { status: 405 });
    const signal = init.signal ? AbortSignal.any([init.signal, limits]) : limits;
    const response = await fetchOnce(url, { ...init, signal, dispatcher: agent, redirect: 'manual' });
    if (response.status >= 300 && response.status < 400) {
      throw new AppError('BACKEND_PROTOCOL', 'it redirects to another address');
    }
    const { status, headers, body } = response;
    return new Response(body?.pipeThrough(counter()) ?? null, { status, headers });
  };
}

function toListingError(error: unknown, isLate: boolean): AppError {
  if (isAppError(error)) return error;
  if (isLate) return new AppError('BACKEND_TIMEOUT', 'it did not answer in time', { cause: error });
  const status = error instanceof StreamableHTTPError ? (error.code ?? 0) : 0;
  const message = status > 0 ? `it answered with HTTP status ${status}` : 'it could not be asked';
  return new AppError('BACKEND_UNAVAILABLE', message, { cause: error });
}
