/** Where the host name of an MCP server leads, and the refusal when that is nowhere public. */
import { lookup as lookupHost } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { McpServerConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { orAborted } from '../lib/abort.ts';
import { isPublicAddress } from '../lib/ip-address.ts';
import { findUrlFault, toHost } from '../lib/public-url.ts';

export interface HostAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a host name. Rejects when there are none. */
export type Lookup = (hostname: string) => Promise<readonly HostAddress[]>;

const LOOKUP_TIMEOUT_MS = 5_000;

export const lookupAll: Lookup = (hostname) => lookupHost(hostname, { all: true, verbatim: true });

/**
 * Every address that the server's host name has now. Throws SSRF_BLOCKED when the URL, or one of the addresses, is not
 * public and the configuration does not allow it; NOT_FOUND when there is no address. Messages name no address.
 */
export async function resolveAddresses(
  server: McpServerConfig,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<readonly HostAddress[]> {
  const fault = findUrlFault(server.url, server);
  if (fault !== undefined) throw blocked(`its URL ${fault}`);
  const host = toHost(new URL(server.url));
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  const found = await findAddresses(host, lookup, signal);
  if (found.length === 0) throw new AppError('NOT_FOUND', 'its host name has no address');
  if (!server.allowPrivateAddresses && !found.every(({ address }) => isPublicAddress(address))) {
    throw blocked('its host name does not lead to the public internet');
  }
  return found;
}

/** None when the look-up fails or takes too long. */
async function findAddresses(
  host: string,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<readonly HostAddress[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOKUP_TIMEOUT_MS)]);
  const looking = lookup(host).catch((): readonly HostAddress[] => []);
  const found = await orAborted(looking, limit);
  signal.throwIfAborted();
  return found ?? [];
}

function blocked(reason: string): AppError {
  return new AppError('SSRF_BLOCKED', `SSRF_BLOCKED: ${reason}`);
}
