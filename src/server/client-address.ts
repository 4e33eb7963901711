/** Where a request comes from, as far as it can be believed. */
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.ts';
import { toNetwork } from '../lib/ip-address.ts';

/** One subscriber's address; see `toNetwork`. */
export type AddressOf = (req: IncomingMessage) => string;

const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/;

/**
 * Each trusted proxy has added to X-Forwarded-For whom it was asked by; what stands before that, the client made up. Where
 * a proxy named no address, its own counts.
 */
export function createAddressOf({ server: { trustedProxies } }: Pick<Config, 'server'>): AddressOf {
  return (req) => {
    const { remoteAddress = '' } = req.socket;
    const named = trustedProxies > 0 ? (req.headersDistinct['x-forwarded-for'] ?? []) : [];
    const hops = [...named.flatMap((line) => line.split(',')), remoteAddress].slice(-1 - trustedProxies);
    const networks = hops.map((hop) => toNetwork(withoutPort(hop.trim())));
    return networks.find((network) => network !== undefined) ?? 'unknown';
  };
}

function withoutPort(hop: string): string {
  const [, bracketed, plain] = WITH_PORT.exec(hop) ?? [];
  return bracketed ?? plain ?? hop;
}
