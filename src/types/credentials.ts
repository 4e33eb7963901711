/** What a client brought that a turn may pass on, never stored and never logged. */

/** Header values by header name (lower case), by name of the MCP server. */
export type McpHeaders = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface TurnCredentials {
  /** The viewer's own token, without the word Bearer. */
  readonly bearerToken: string | null;
  readonly mcpHeaders: McpHeaders;
}

export const NO_CREDENTIALS: TurnCredentials = { bearerToken: null, mcpHeaders: {} };
