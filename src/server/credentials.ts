/** What a client brought for others than us: its own token and headers for MCP servers. Who the client is says auth/. */
import type { Credentials } from '../auth/authenticate.ts';
import { parseMcpHeaders } from '../tools/mcp-headers.ts';
import type { TurnCredentials } from '../types/credentials.ts';

const BEARER = /^Bearer +(\S+)$/i;

/** A parameter of the WebSocket's connection counts before the header of its upgrade; names in any case. */
function find({ headers, connectionParams = {} }: Credentials, name: string): unknown {
  const key = Object.keys(connectionParams).find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? headers[name] : connectionParams[key];
}

/** Throws BAD_USER_INPUT for MCP-HEADERS that cannot be read. */
export function toTurnCredentials(credentials: Credentials): TurnCredentials {
  const authorization = find(credentials, 'authorization');
  const bearerToken = typeof authorization === 'string' ? (BEARER.exec(authorization)?.[1] ?? null) : null;
  return { bearerToken, mcpHeaders: parseMcpHeaders(find(credentials, 'mcp-headers')) };
}
