/** Which IP addresses the whole internet can reach, and which belong together. */
import { BlockList, isIP } from 'node:net';

/** IPv4 without its special purposes (RFC 6890 and IANA's registry): this network, private, shared, link-local, multicast… */
const SPECIAL_IPV4 = toBlockList('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]);

/** All of global IPv6; what embeds an IPv4 address elsewhere (mapped, NAT64) is outside of it. */
const GLOBAL_IPV6 = toBlockList('ipv6', [['2000::', 3]]);

/** Inside of it: protocol assignments with Teredo, documentation, 6to4. */
const SPECIAL_IPV6 = toBlockList('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);

function toBlockList(
  family: 'ipv4' | 'ipv6',
  subnets: readonly (readonly [network: string, prefix: number])[],
): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, family);
  return list;
}

/** False for everything that is not a plain IPv4 or IPv6 address of the public internet, names and zone ids included. */
export function isPublicAddress(address: string): boolean {
  if (address.includes('%')) return false;
  const family = isIP(address);
  if (family === 4) return !SPECIAL_IPV4.check(address, 'ipv4');
  return family === 6 && GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6');
}

/**
 * What stands for one subscriber: an IPv4 address itself, of an IPv6 address its first 64 bits, among which anyone may choose.
 * Undefined for what is no address.
 */
export function toNetwork(address: string): string | undefined {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  if (family !== 6) return family === 4 ? plain : undefined;
  const groups = toGroups(plain);
  const isMapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff';
  if (!isMapped) return `${groups.slice(0, 4).join(':')}::/64`;
  const bytes = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return bytes.flatMap((pair) => [pair >> 8, pair & 0xff]).join('.');
}

/** The eight groups of an IPv6 address, without leading zeros. */
function toGroups(address: string): readonly string[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = canonical.split('::').map((half) => (half === '' ? [] : half.split(':')));
  return [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
}
