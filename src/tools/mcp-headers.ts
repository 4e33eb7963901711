/** Reads the header MCP-HEADERS: what a client sends along for MCP servers. */
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { isHeaderName, isHeaderValue } from '../lib/http-header.ts';
import type { McpHeaders } from '../types/credentials.ts';
import { isJsonObject } from '../types/json.ts';

/** UTF-8 bytes of all of it. */
const MAX_BYTES = 16 * 1024;
const FORM = 'It is a JSON object {"server": {"Header-Name": "value"}}';

const headersSchema = z.record(
  z.string(),
  z.record(
    z.string().refine(isHeaderName, 'the name of a header'),
    z.string().refine(isHeaderValue, 'the value of a header'),
  ),
);

/**
 * Takes the JSON text, or what a WebSocket client gave as an object; nothing at all is no headers. Names of headers come
 * out in lower case; of two that differ in case only, the later one counts. Throws BAD_USER_INPUT, never quoting a value.
 */
export function parseMcpHeaders(given: unknown): McpHeaders {
  if (given === undefined || given === null || given === '') return {};
  const text = typeof given === 'string' ? given : isJsonObject(given) ? JSON.stringify(given) : '';
  if (Buffer.byteLength(text) > MAX_BYTES) throw refuse(`It has more than ${MAX_BYTES} bytes`);
  const parsed = headersSchema.safeParse(parseJson(text));
  if (!parsed.success) throw refuse(FORM);
  const servers = Object.entries(parsed.data).map(([server, headers]) => [server, toLowerCase(headers)]);
  return Object.fromEntries(servers);
}

function toLowerCase(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuse(explanation: string): AppError {
  return new AppError('BAD_USER_INPUT', 'MCP-HEADERS cannot be read', { details: { explanation } });
}
