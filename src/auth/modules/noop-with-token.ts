/** The module without authentication for clients that bring a token which is passed on: it must be there, and nobody looks at it. */
import type { Identify } from '../authenticate.ts';
import { requireBearerToken } from '../credentials.ts';
import { toNamedViewer } from '../named-viewer.ts';

export function createNoopWithToken(): Identify {
  return async (credentials) => {
    requireBearerToken(credentials);
    return toNamedViewer(credentials);
  };
}
