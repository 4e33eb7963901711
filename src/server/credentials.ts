/** What a client shows, and what of it is for others than us: its own token and headers for MCP servers. Who the client is says auth/. */
import type { IncomingMessage } from 'node:http';
import { type Credentials, findBearerToken, listValues } from '../auth/credentials.ts';
import { parseMcpHeaders } from '../tools/mcp-headers.ts';
import type { TurnCredentials } from '../types/credentials.ts';

/** What an HTTP request shows, or the upgrade of a WebSocket. */
export function toCredentials(req: IncomingMessage): Credentials {
  return { headers: req.headersDistinct, url: req.url };
}

/** Throws BAD_USER_INPUT for MCP-HEADERS that cannot be read. */
export function toTurnCredentials(credentials: Credentials): TurnCredentials {
  const [mcpHeaders, ...others] = listValues(credentials, 'mcp-headers');
  return {
    bearerToken: findBearerToken(credentials) ?? null,
    mcpHeaders: parseMcpHeaders(others.length === 0 ? mcpHeaders : [mcpHeaders, ...others]),
  };
}
