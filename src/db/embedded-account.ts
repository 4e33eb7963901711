/** Which account the built-in Postgres runs as, and what that account can reach. Postgres refuses to run as root. */
import { lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../errors.ts';

/** An account to switch to; undefined means the account of this process. */
export type Account = { readonly uid: number; readonly gid: number } | undefined;

/** `nobody`: without rights anywhere but in what is given to it. */
const UNPRIVILEGED = 65_534;

/** A failure to start that an operator can act on: one line that names the ways out. */
export function embeddedFailure(reason: string, cause?: unknown): AppError {
  const message = `The built-in Postgres ${reason}. Set DATABASE_URL to use a Postgres of your own.`;
  return new AppError('DEPENDENCY_UNAVAILABLE', message, { cause });
}

/** The owner of the cluster when there is one, so that it is never run by two accounts; `nobody` for a new one of root's. */
export async function accountFor(cluster: string): Promise<Account> {
  const self = process.getuid?.();
  if (self === undefined) return undefined;
  const owner = await stat(cluster).catch(() => undefined);
  if (self !== 0) {
    if (owner === undefined || owner.uid === self) return undefined;
    throw embeddedFailure(`belongs to uid ${owner.uid} in ${cluster}, and this is uid ${self}`);
  }
  if (owner === undefined || owner.uid === 0) return { uid: UNPRIVILEGED, gid: UNPRIVILEGED };
  return { uid: owner.uid, gid: owner.gid };
}

/** The first directory on the way to `path` (a real path), itself included, that the account may not enter. */
export async function findClosed(path: string, account: Account): Promise<string | undefined> {
  if (account === undefined) return undefined;
  const parent = dirname(path);
  const closed = parent === path ? undefined : await findClosed(parent, account);
  if (closed !== undefined) return closed;
  return (await mayRead(path, account)) ? undefined : path;
}

/** Whether a directory may be entered, or a file be read and run. */
async function mayRead(
  path: string,
  account: { readonly uid: number; readonly gid: number },
): Promise<boolean> {
  const entry = await lstat(path);
  const needed = entry.isDirectory() ? 0o1 : 0o5;
  const shift = entry.uid === account.uid ? 6 : entry.gid === account.gid ? 3 : 0;
  return ((entry.mode >> shift) & needed) === needed;
}
