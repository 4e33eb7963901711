/** Recognises addresses that only this machine can reach. */

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;

/** Whether a server that listens on this host name or address is out of reach of other machines. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.test(host);
}
