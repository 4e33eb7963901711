/** Who somebody says they are, where nobody has to prove it. */
import type { Identity } from './authenticate.ts';
import { type Credentials, listValues, unauthenticated } from './credentials.ts';

const DEFAULT_VIEWER: Identity = Object.freeze({ id: 'default', name: 'Default viewer' });
const PARAMETER = 'user_id';

/** The default viewer, or the one that a connection parameter, a header or the query string names as `user_id`. */
export function toNamedViewer(credentials: Credentials): Identity {
  const [id, ...others] = [...listValues(credentials, PARAMETER), ...listInQuery(credentials)];
  if (id === undefined) return DEFAULT_VIEWER;
  if (typeof id === 'string' && others.length === 0) return { id, name: id };
  throw unauthenticated('Token could not be decoded', `${PARAMETER} must be one text`);
}

function listInQuery({ url = '/' }: Credentials): readonly string[] {
  return URL.canParse(url, 'http://localhost')
    ? new URL(url, 'http://localhost').searchParams.getAll(PARAMETER)
    : [];
}
