/** Which browser origins may call the server. Programs that send no Origin header are not concerned. */
import type { Config } from '../config/config.ts';

export interface OriginPolicy {
  /** `origin` and `host` are the request's headers; an absent origin is allowed. */
  allows(origin: string | undefined, host: string | undefined): boolean;
}

const LOCALHOST = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/**
 * The configured origins; in development every origin on localhost, and in production the server's own origin.
 * Not its own in development: a name that was rebound to 127.0.0.1 would make a foreign page look like it.
 */
export function createOriginPolicy(config: Pick<Config, 'mode' | 'server'>): OriginPolicy {
  const listed = new Set(config.server.allowedOrigins);
  const isDevelopment = config.mode === 'development';
  return {
    allows(origin, host) {
      if (origin === undefined || listed.has(origin)) return true;
      return isDevelopment ? LOCALHOST.test(origin) : host !== undefined && isOriginOf(origin, host);
    },
  };
}

function isOriginOf(origin: string, host: string): boolean {
  return origin === `https://${host}` || origin === `http://${host}`;
}
