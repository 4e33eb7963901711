/** The module without authentication: everyone is the one default viewer. */
import type { Viewer } from '../../types/viewer.ts';
import type { Authenticate } from '../authenticate.ts';

const DEFAULT_VIEWER: Viewer = Object.freeze({
  id: 'default',
  name: 'Default viewer',
  roles: Object.freeze(['*']),
});

export function createNoop(): Authenticate {
  return () => Promise.resolve(DEFAULT_VIEWER);
}
