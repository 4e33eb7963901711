/** What speaks against sending anybody to a URL, as far as its text tells. Where a name leads is for whoever looks it up. */
import { isIP } from 'node:net';
import { isPublicAddress } from './ip-address.ts';

export interface UrlRules {
  /** Whether it may lead to this machine, a private network, or the port of another kind of service. */
  readonly allowPrivateAddresses: boolean;
}

const WEB_PORTS: ReadonlySet<number> = new Set([80, 443]);
/** Postgres, MySQL, Redis and their like: what must not be talked into taking an HTTP request for a command. */
const DATABASE_PORTS: ReadonlySet<number> = new Set([1433, 1521, 3306, 5432, 6379, 11_211, 27_017]);
const LOCAL_NAME = /^(.+\.)?localhost\.?$/;

/** The end of a sentence about the URL, or undefined when nothing speaks against it. */
export function findUrlFault(text: string, rules: UrlRules): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'is neither http:// nor https://';
  if (url.username !== '' || url.password !== '') return 'holds a user name or a password';
  if (rules.allowPrivateAddresses) return undefined;
  if (!isWebPort(url.port)) return 'names a port of another kind of service';
  return isPublicHost(toHost(url)) ? undefined : 'does not lead to the public internet';
}

/** The host name or address, without the brackets of IPv6. Numbers in disguise (decimal, octal, hex) are plain by now. */
export function toHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function isWebPort(port: string): boolean {
  const number = Number(port);
  return port === '' || WEB_PORTS.has(number) || (number >= 1_024 && !DATABASE_PORTS.has(number));
}

function isPublicHost(host: string): boolean {
  return isIP(host) === 0 ? !LOCAL_NAME.test(host) : isPublicAddress(host);
}
