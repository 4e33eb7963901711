/** What a client must never read: credentials, and where the servers behind Millrace are. Finds it, and removes it from upstream events. Pure. */
import type { BackendConfig } from '../config/config.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../types/json.ts';
import type { UpstreamEvent } from './backend.ts';
import { scrubValue, tellsFailure } from './failures.ts';

/** Shorter ones ("x", "EMPTY") stand in for a key where none is needed, and are words of every other text. */
const MIN_LENGTH = 6;

/** Those that are long enough; longest first, as one may be a part of another. */
export function toSecrets(candidates: readonly string[]): readonly string[] {
  const found = new Set(candidates.filter(({ length }) => length >= MIN_LENGTH));
  return [...found].sort((a, b) => b.length - a.length);
}

/** The key and the address of a backend. */
export function listBackendSecrets({ baseUrl, apiKey, entra }: BackendConfig): readonly string[] {
  const { host, hostname, username, password } = new URL(baseUrl);
  return [apiKey ?? '', entra?.clientSecret ?? '', password, username, host, hostname];
}

/** The addresses of the MCP servers among the tools, and what their headers hold. */
export function listToolSecrets(tools: readonly JsonObject[]): readonly string[] {
  return tools.flatMap(({ headers, server_url: url }) => [
    ...(isJsonObject(headers) ? Object.values(headers).flatMap(listHeaderParts) : []),
    ...(typeof url === 'string' ? listAddressParts(url) : []),
  ]);
}

/** With and without the scheme before it. */
function listHeaderParts(value: JsonValue | undefined): readonly string[] {
  return typeof value === 'string' ? [value, value.replace(/^\w+ +/, '')] : [];
}

/** A host whose name is a plain word, such as `search`, stands for itself only where it is part of an address. */
function listAddressParts(address: string): readonly string[] {
  const url = URL.parse(address);
  if (url === null) return [address];
  const { host, hostname, searchParams } = url;
  const name = /^[a-z]+$/.test(hostname) ? [`//${hostname}`] : [hostname];
  return [address, ...(host === hostname ? [] : [host]), ...name, ...searchParams.values()];
}

/**
 * The event as a client may hear of it: without the secrets where a server speaks of itself, as it does when something
 * failed. What the model and the tools say stays as it is.
 */
export function scrubEvent(event: UpstreamEvent, secrets: readonly string[]): UpstreamEvent {
  if (secrets.length === 0) return event;
  if (tellsFailure(event)) return scrubValue(event, secrets);
  const { item, response } = event;
  if (isJsonObject(item)) return { ...event, item: scrubItem(item, secrets) };
  if (!isJsonObject(response) || !Array.isArray(response.output)) return event;
  const output = response.output.map((one) => (isJsonObject(one) ? scrubItem(one, secrets) : one));
  return { ...event, response: { ...response, output } };
}

const FAILED: ReadonlySet<JsonValue | undefined> = new Set(['failed', 'incomplete']);

/** The error of an item, and what came out of it instead of a result. */
function scrubItem(item: JsonObject, secrets: readonly string[]): JsonObject {
  const { error, output, status } = item;
  const told = { ...(error && { error }), ...(output && FAILED.has(status) && { output }) };
  return Object.keys(told).length === 0 ? item : { ...item, ...scrubValue(told, secrets) };
}
