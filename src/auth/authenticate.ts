/** Turns the credentials of a request into a viewer; one module per kind of credentials stands in modules/. */
import type { JsonObject } from '../types/json.ts';
import type { Viewer } from '../types/viewer.ts';
import { type Credentials, unauthenticated } from './credentials.ts';
import { isViewerName, MAX_ID_LENGTH } from './viewer-id.ts';

/** Throws UNAUTHENTICATED, TOKEN_EXPIRED, FORBIDDEN or AUTH_UNAVAILABLE. Asked again, it answers by what holds then. */
export type Authenticate = (credentials: Credentials) => Promise<Viewer>;

/** What a module found out about who is asking. */
export interface Identity {
  readonly id: string;
  readonly name: string;
  /** Roles that the module itself knows of. */
  readonly roles?: readonly string[];
  /** What role rules look at: the claims of a token, or what else there is. */
  readonly claims?: JsonObject;
  /** When what they showed stops being accepted; absent: it does not end by itself. */
  readonly expiresAt?: Date | undefined;
}

/** A module: the credentials that it knows, to an identity. Throws as `Authenticate` does. */
export type Identify = (credentials: Credentials) => Promise<Identity>;

/** Roles that follow from claims. */
export type ToRoles = (claims: JsonObject) => readonly string[];

export function createAuthenticate(identify: Identify, toRoles: ToRoles): Authenticate {
  return async (credentials) => {
    const { id, name, roles = [], claims = {}, expiresAt } = await identify(credentials);
    requireName(id, 'id');
    requireName(name, 'name');
    const all = new Set(['*', ...roles, ...toRoles(claims)]);
    return Object.freeze({ id, name, roles: Object.freeze([...all]), expiresAt });
  };
}

function requireName(text: string, what: string): void {
  if (isViewerName(text)) return;
  throw unauthenticated(
    'Token could not be decoded',
    `The ${what} of the viewer must be 1 to ${MAX_ID_LENGTH} characters without control characters`,
  );
}
