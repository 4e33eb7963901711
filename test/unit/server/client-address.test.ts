import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { configSchema } from '../../../src/config/config.ts';
import { createAddressOf } from '../../../src/server/client-address.ts';

const PEER = '10.0.0.1';

function read(trustedProxies: number, ...forwarded: readonly string[]): string {
  const { server } = configSchema.parse({ server: { trustedProxies } });
  const headersDistinct = forwarded.length > 0 ? { 'x-forwarded-for': [...forwarded] } : {};
  return createAddressOf({ server })({ socket: { remoteAddress: PEER }, headersDistinct } as IncomingMessage);
}

it.each([
  ['nobody is trusted', 0, ['1.1.1.1'], PEER],
  ['a trusted proxy says nothing', 1, [], PEER],
  ['a trusted proxy names it', 1, ['1.1.1.1'], '1.1.1.1'],
  ['the client made up more', 1, ['6.6.6.6, 1.1.1.1'], '1.1.1.1'],
  ['it made up a line', 1, ['6.6.6.6', '1.1.1.1'], '1.1.1.1'],
  ['two proxies add to it', 2, ['6.6.6.6, 1.1.1.1, 10.0.0.2'], '1.1.1.1'],
  ['there are fewer proxies than are trusted', 3, ['1.1.1.1'], '1.1.1.1'],
  ['a proxy names a port', 1, ['1.1.1.1:4711'], '1.1.1.1'],
  ['a proxy names IPv6 with a port', 1, ['[2001:db8::1]:4711'], '2001:db8:0:0::/64'],
  ['a proxy names no address', 1, ['unknown'], PEER],
  ['a proxy names it by a mapped address', 1, ['::ffff:1.1.1.1'], '1.1.1.1'],
] as const)('when %s', (_when, trustedProxies, forwarded, expected) => {
  expect(read(trustedProxies, ...forwarded)).toBe(expected);
});
