/** Finds the values of the headers that are configured for an MCP server. */
import { readFile } from 'node:fs/promises';
import type { McpServerConfig } from '../config/config.ts';
import { isHeaderValue } from '../lib/http-header.ts';
import { createTtlCache, type TtlCache } from '../lib/ttl-cache.ts';
import type { Log } from '../log.ts';
import type { TurnCredentials } from '../types/credentials.ts';

/** Header values by name; or why one cannot be had, in words that hold no secret. */
export type ResolvedHeaders =
  | { readonly headers: Readonly<Record<string, string>> }
  | { readonly problem: string };

export interface HeaderValues {
  /** All headers of the server, or the first that cannot be had. */
  resolve(server: McpServerConfig, credentials: TurnCredentials): Promise<ResolvedHeaders>;
}

type HeaderSource = McpServerConfig['headers'][string];
type Value = { readonly value: string } | { readonly problem: string };

/** A secret that is replaced in its file is sent after this time. */
const FILE_CACHE_MS = 10_000;
const FAILURE_CACHE_MS = 1_000;

export function createHeaderValues(servers: readonly McpServerConfig[], log: Log): HeaderValues {
  const sources = servers.flatMap((server) => Object.values(server.headers));
  const paths = new Set(
    sources.flatMap((source) => (typeof source === 'object' && 'file' in source ? source.file : [])),
  );
  const files = new Map([...paths].map((path) => [path, createFileCache(path)]));
  return {
    async resolve(server, credentials) {
      const headers: [name: string, value: string][] = [];
      for (const [name, source] of Object.entries(server.headers)) {
        const found = await findValue(source, { name, server: server.name, credentials, files, log });
        if ('problem' in found) return { problem: found.problem };
        headers.push([name, found.value]);
      }
      return { headers: Object.fromEntries(headers) };
    },
  };
}

interface Search {
  readonly name: string;
  readonly server: string;
  readonly credentials: TurnCredentials;
  readonly files: ReadonlyMap<string, TtlCache<string>>;
  readonly log: Log;
}

async function findValue(source: HeaderSource, search: Search): Promise<Value> {
  if (typeof source === 'string') return { value: source };
  if ('file' in source) return readValue(source.file, search);
  const { name, server, credentials } = search;
  if (source.from === 'kubernetes') {
    const { bearerToken } = credentials;
    return bearerToken === null
      ? { problem: `the header ${name} needs a bearer token, and the request has none` }
      : { value: `Bearer ${bearerToken}` };
  }
  const value = findOwn(findOwn(credentials.mcpHeaders, server) ?? {}, name.toLowerCase());
  return value === undefined
    ? { problem: `the request brings no header ${name} for it in MCP-HEADERS` }
    : { value };
}

/** Names come from clients: what every object inherits does not count. */
function findOwn<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

async function readValue(path: string, { name, server, files, log }: Search): Promise<Value> {
  const problem = `the file of the header ${name} cannot be read`;
  try {
    const value = await files.get(path)?.get();
    return value === undefined ? { problem } : { value };
  } catch (error) {
    log.warn({ err: error, server, header: name }, 'the file of a header cannot be read');
    return { problem };
  }
}

/** Relative paths count from the folder that the process was started in. */
function createFileCache(path: string): TtlCache<string> {
  return createTtlCache({
    load: async () => {
      const value = (await readFile(path, 'utf8')).trim();
      if (value !== '' && isHeaderValue(value)) return value;
      throw new Error(`${path} does not hold the value of a header`);
    },
    ttlMs: FILE_CACHE_MS,
    failureTtlMs: FAILURE_CACHE_MS,
  });
}
