/** The module without authentication: everyone is the one default viewer, or whoever they say they are. */
import type { Identify } from '../authenticate.ts';
import { toNamedViewer } from '../named-viewer.ts';

export function createNoop(): Identify {
  return async (credentials) => toNamedViewer(credentials);
}
