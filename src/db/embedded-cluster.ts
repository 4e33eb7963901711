/** The files of the built-in Postgres: where they live, their password, and how a new cluster is made. Starts no server. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  link,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '../log.ts';
import { type Account, accountFor, embeddedFailure, findClosed } from './embedded-account.ts';
import { type Binaries, findBinaries, toRunnable } from './embedded-binaries.ts';

/** The superuser of the cluster, and the name of Millrace's database in it. */
export const EMBEDDED_NAME = 'millrace';

export interface Cluster {
  readonly binaries: Binaries;
  readonly account: Account;
  /** Postgres' data directory, as a real path. */
  readonly path: string;
  readonly password: string;
  /** What Postgres prints. */
  readonly logFile: string;
}

export interface ClusterOptions {
  readonly dataDir: string;
  readonly log: Log;
  /** Where the cluster goes when the data directory is closed to the account that runs Postgres. */
  readonly stateDir?: string;
}

/** Opens the cluster of a data directory, making what is missing; safe when several processes do so at once. */
export async function openCluster({ dataDir, log, stateDir = '/var/lib' }: ClusterOptions): Promise<Cluster> {
  const found = await findBinaries(process.platform, process.arch);
  await makeOpenDirectory(dataDir);
  const account = await accountFor(join(dataDir, 'postgres', 'cluster'));
  const home = await openHome({ dataDir: await realpath(dataDir), log, stateDir }, account);
  const binaries = await toRunnable(found, home, account);
  const password = await keepPassword(join(dataDir, 'postgres.password'));
  const path = join(home, 'cluster');
  const cluster = { binaries, account, path, password, logFile: join(dataDir, 'postgres.log') };
  const version = await clusterVersion(path);
  if (version === undefined) await createCluster(cluster, home);
  else if (version !== major(binaries)) {
    throw embeddedFailure(
      `is version ${major(binaries)} and cannot read ${path}, which is of version ${version}`,
    );
  }
  return cluster;
}

/** Runs one of the binaries as the cluster's account and waits for its end. */
export async function runBinary(
  cluster: Pick<Cluster, 'binaries' | 'account'>,
  name: string,
  args: readonly string[],
): Promise<void> {
  const file = join(cluster.binaries.root, 'bin', name);
  await promisify(execFile)(file, args, { ...cluster.account, cwd: '/', env: { LC_ALL: 'C' } });
}

/**
 * New directories get a mode by which another account can pass; those that exist keep theirs. Node's own recursion spins for
 * ever where a file system refuses new folders with ENOENT, as /proc does.
 */
async function makeOpenDirectory(path: string): Promise<void> {
  if (await isDirectory(path)) return;
  const parent = dirname(resolve(path));
  if (parent !== resolve(path)) await makeOpenDirectory(parent);
  try {
    await mkdir(path);
    await chmod(path, 0o755);
  } catch (error) {
    if (!(await isDirectory(path))) throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

/**
 * The folder `postgres` of the data directory. Where the way to it is closed to the account, as below /root, the folder is a
 * link to a new one in `stateDir`: the modes of directories that are not ours stay as they are.
 */
async function openHome(options: Required<ClusterOptions>, account: Account): Promise<string> {
  const { dataDir, log, stateDir } = options;
  const home = join(dataDir, 'postgres');
  const present = await realpath(home).catch(() => undefined);
  const closed = await findClosed(present ?? dataDir, account);
  if (closed === undefined) {
    await mkdir(home, { recursive: true });
    if (present === undefined) await chmod(home, 0o755);
    return realpath(home);
  }
  const reason = `cannot run in ${home}: ${closed} is closed to uid ${account?.uid}`;
  if (present !== undefined) throw embeddedFailure(`${reason}; open it or choose another MILLRACE_DATA_DIR`);
  try {
    const elsewhere = await mkdtemp(join(await realpath(stateDir), 'millrace-'));
    await chmod(elsewhere, 0o755);
    await symlink(elsewhere, home);
    log.warn({ home, elsewhere }, `The built-in Postgres ${reason}; it keeps its files in ${elsewhere}`);
    return elsewhere;
  } catch (error) {
    throw embeddedFailure(`${reason}; choose another MILLRACE_DATA_DIR`, error);
  }
}

/** The password in the file; the first process to link its draft there decides. */
async function keepPassword(file: string): Promise<string> {
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  if (kept !== undefined) return kept.trim();
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  await link(draft, file).catch(() => undefined);
  await rm(draft);
  return (await readFile(file, 'utf8')).trim();
}

async function clusterVersion(path: string): Promise<string | undefined> {
  const text = await readFile(join(path, 'PG_VERSION'), 'utf8').catch(() => undefined);
  return text?.trim();
}

function major(binaries: Binaries): string {
  return binaries.version.split('.')[0] ?? '';
}

/** Made beside its place and moved there when complete: a process that is killed half way leaves no half cluster. */
async function createCluster(cluster: Cluster, home: string): Promise<void> {
  const draft = await mkdtemp(join(home, 'initdb-'));
  const passwordFile = join(draft, 'password');
  const path = join(draft, 'cluster');
  try {
    await writeFile(passwordFile, cluster.password, { mode: 0o600 });
    for (const each of [draft, passwordFile]) await giveTo(each, cluster.account);
    await runBinary(cluster, 'initdb', [
      ...['-D', path, '-U', EMBEDDED_NAME, '--pwfile', passwordFile, '--auth', 'scram-sha-256', '-E', 'UTF8'],
      ...[
        '--locale',
        'C',
        '--locale-provider',
        'builtin',
        '--builtin-locale',
        'C.UTF-8',
        '--no-instructions',
      ],
    ]);
    await rename(path, cluster.path);
  } catch (error) {
    if ((await clusterVersion(cluster.path)) === undefined) {
      throw embeddedFailure(`could not make a cluster in ${cluster.path} (${lastLine(error)})`, error);
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function giveTo(path: string, account: Account): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid);
}

function lastLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = 'stderr' in error && typeof error.stderr === 'string' && error.stderr.trim();
  return (text || error.message).split('\n').at(-1) ?? '';
}
