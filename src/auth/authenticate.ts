/** Turns the credentials of a request into a viewer; one module per kind of credentials stands in modules/. */
import type { Viewer } from '../types/viewer.ts';

/** What a client shows to say who it is. */
export interface Credentials {
  /** HTTP headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The payload of `connection_init` on a WebSocket. */
  readonly connectionParams?: Readonly<Record<string, unknown>> | undefined;
}

/** Throws UNAUTHENTICATED, TOKEN_EXPIRED or AUTH_UNAVAILABLE. */
export type Authenticate = (credentials: Credentials) => Promise<Viewer>;
