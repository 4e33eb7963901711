/** A viewer who stays: what they showed is looked at again for as long as their socket or stream is open. */
import { AppError, isAppError } from '../errors.ts';
import type { Notifier } from '../lib/notifier.ts';
import type { Viewer } from '../types/viewer.ts';
import type { Authenticate } from './authenticate.ts';
import { type Credentials, withBearerToken } from './credentials.ts';

export interface SessionOptions {
  readonly authenticate: Authenticate;
  /** Longest time between two looks, in milliseconds. */
  readonly recheckMs: number;
  /** Wakes whoever is to look again before that. */
  readonly changes: Pick<Notifier, 'wait'>;
  readonly credentials: Credentials;
  /** Who the credentials were found to be. */
  readonly viewer: Viewer;
  /** Aborted when the socket or stream is closed: then nobody looks any more. */
  readonly signal: AbortSignal;
  /** Called at most once, with what ends the stay: TOKEN_EXPIRED, UNAUTHENTICATED, FORBIDDEN, or AUTH_UNAVAILABLE for too long. */
  onEnd(error: AppError): void;
}

export interface Session {
  /** As of the last look. */
  readonly viewer: Viewer;
  readonly credentials: Credentials;
  /**
   * Takes another token of the same viewer, who may then stay as long as that lasts. Throws what authentication throws, and
   * FORBIDDEN for the token of somebody else or with fewer roles; then nothing has changed.
   */
  refresh(token: string): Promise<Viewer>;
}

/** How long the last answer holds when nobody can say a new one. */
const MAX_UNVERIFIED_MS = 300_000;
/** Over how long the looks of many sockets are spread when all are to look again. */
const SPREAD_MS = 1_000;

/** Ends by itself with the signal. Looks come at odd times, so that those of many sockets do not come at once. */
export function openSession(options: SessionOptions): Session {
  const { authenticate, signal } = options;
  const stay: Stay = { ...options, verifiedAt: performance.now() };
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;

  const schedule = (waitMs = options.recheckMs * (0.75 + Math.random() / 4)): void => {
    clearTimeout(timer);
    if (isOver || signal.aborted) return;
    timer = setTimeout(look, Math.max(1, Math.min(waitMs, msUntilExpiry(stay.viewer))));
    timer.unref();
  };
  const look = async (): Promise<void> => {
    timer = undefined;
    const error = await findEnd(stay, authenticate);
    if (isOver) return;
    if (error === undefined) {
      // Whoever was woken meanwhile looks again soon.
      if (timer === undefined) schedule();
      return;
    }
    isOver = true;
    clearTimeout(timer);
    if (!signal.aborted) options.onEnd(error);
  };

  const heed = async (): Promise<void> => {
    while (!isOver && !signal.aborted) {
      await options.changes.wait(signal);
      schedule(Math.random() * Math.min(SPREAD_MS, options.recheckMs));
    }
  };

  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  schedule();
  void heed();
  return {
    get viewer() {
      return stay.viewer;
    },
    get credentials() {
      return stay.credentials;
    },
    async refresh(token) {
      const credentials = withBearerToken(stay.credentials, token);
      const viewer = await authenticate(credentials);
      if (viewer.id !== stay.viewer.id) throw new AppError('FORBIDDEN', 'The token is of another viewer');
      if (hasFewerRoles(stay.viewer, viewer)) {
        throw new AppError('FORBIDDEN', 'The token gives fewer roles; connect again with it');
      }
      Object.assign(stay, { credentials, viewer, verifiedAt: performance.now() });
      schedule();
      return viewer;
    },
  };
}

/** What holds of a session at the moment. */
interface Stay {
  credentials: Credentials;
  viewer: Viewer;
  /** When it was last confirmed, by performance.now(). */
  verifiedAt: number;
}

/** Looks again. What ends the stay; undefined while it may go on. An answer about credentials that were refreshed meanwhile is none. */
async function findEnd(stay: Stay, authenticate: Authenticate): Promise<AppError | undefined> {
  const { credentials, viewer } = stay;
  if (msUntilExpiry(viewer) <= 0) return new AppError('TOKEN_EXPIRED', 'Token has expired');
  try {
    const found = await authenticate(credentials);
    if (credentials !== stay.credentials) return undefined;
    if (found.id !== viewer.id) {
      return new AppError('UNAUTHENTICATED', 'The credentials are of somebody else now');
    }
    if (hasFewerRoles(viewer, found)) {
      return new AppError('TOKEN_EXPIRED', 'Roles have changed; connect again');
    }
    Object.assign(stay, { viewer: found, verifiedAt: performance.now() });
    return undefined;
  } catch (error) {
    return credentials === stay.credentials ? toEnd(error, performance.now() - stay.verifiedAt) : undefined;
  }
}

function msUntilExpiry({ expiresAt }: Viewer): number {
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt.getTime() - Date.now();
}

function hasFewerRoles(before: Viewer, after: Viewer): boolean {
  return !before.roles.every((role) => after.roles.includes(role));
}

/** A refusal ends the stay. That nobody can tell does not, until it has lasted too long. */
function toEnd(error: unknown, unverifiedMs: number): AppError | undefined {
  if (isAppError(error) && error.code !== 'AUTH_UNAVAILABLE') return error;
  if (unverifiedMs < MAX_UNVERIFIED_MS) return undefined;
  return new AppError('AUTH_UNAVAILABLE', 'Nobody could confirm the credentials for too long', {
    cause: error,
  });
}
