/** The server process of a cluster: starting it, recognising one that runs, stopping it. Speaks no SQL. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { delay } from '../lib/abort.ts';
import { embeddedFailure } from './embedded-account.ts';
import { type Cluster, runBinary } from './embedded-cluster.ts';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Settles when a server that this process started has ended; never for an adopted one. */
  readonly ended: Promise<void>;
}

/** What postmaster.pid says. */
interface PidFile {
  readonly pid: number;
  readonly port: number;
  /** `starting`, `ready` or `stopping`; empty in the first moments. */
  readonly status: string;
}

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 10;

/** Small in memory, few processes; nothing that is committed is lost. */
const SETTINGS: readonly string[] = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=60',
  'shared_buffers=48MB',
  'work_mem=4MB',
  'maintenance_work_mem=32MB',
  'effective_cache_size=256MB',
  'jit=off',
  'io_method=sync',
  'max_worker_processes=2',
  'max_parallel_workers_per_gather=0',
  'max_parallel_maintenance_workers=0',
  'autovacuum_max_workers=2',
  'max_logical_replication_workers=0',
  'max_wal_senders=0',
  'wal_level=minimal',
  'wal_buffers=4MB',
  'min_wal_size=32MB',
  'max_wal_size=256MB',
  'fsync=on',
  'synchronous_commit=on',
  'full_page_writes=on',
  'client_connection_check_interval=2s',
  'timezone=UTC',
  'log_checkpoints=off',
  'log_min_error_statement=panic',
];

/** The server that runs on the cluster, once it is ready; undefined when none does, and then a stale postmaster.pid is gone. */
export async function findPostmaster(cluster: Cluster): Promise<Postmaster | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const found = await readPidFile(cluster);
    if (found === undefined || !isAlive(found.pid)) return undefined;
    if (!(await isOurs(found.pid, cluster))) return removeStale(found, cluster);
    // One that was killed a moment ago is still there, and says that it is ready, but takes no connections.
    const isReady = found.status === 'ready' && (await isListening(found.port));
    if (isReady) return { ...found, ended: new Promise(() => {}) };
    await delay(POLL_MS);
  }
  throw embeddedFailure(`does not come up in ${cluster.path}; see ${cluster.logFile}`);
}

/** Starts a server; undefined when it ended before it was ready. Without a port it takes a free one. */
export async function startPostmaster(
  cluster: Cluster,
  options: { readonly port?: number; readonly settings?: readonly string[] } = {},
): Promise<Postmaster | undefined> {
  const port = options.port ?? (await freePort());
  const settings = [...SETTINGS, `port=${port}`, ...(options.settings ?? [])];
  await using output = await open(cluster.logFile, 'a', 0o600);
  const child = spawn(
    join(cluster.binaries.root, 'bin', 'postgres'),
    ['-D', cluster.path, ...settings.flatMap((setting) => ['-c', setting])],
    // Detached: Ctrl-C in a terminal goes to the whole process group, and the server has to outlive the turns that are drained.
    {
      ...cluster.account,
      cwd: '/',
      env: { LC_ALL: 'C' },
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    },
  );
  child.unref();
  const exit = new AbortController();
  const ended = once(child, 'exit').then(() => exit.abort());
  await Promise.race([once(child, 'spawn'), ended]);
  const pid = await waitUntilReady(cluster, child.pid, exit.signal);
  return pid === undefined ? undefined : { pid, port, ended };
}

/** Ends the server in order: connections are cut, everything is written. Does nothing when it has ended. */
export async function stopPostmaster(cluster: Cluster, postmaster: Postmaster): Promise<void> {
  const found = await readPidFile(cluster);
  if (found?.pid !== postmaster.pid) return;
  try {
    await runBinary(cluster, 'pg_ctl', ['stop', '-D', cluster.path, '-m', 'fast', '-w', '-t', '60', '-s']);
  } catch (error) {
    if (isAlive(postmaster.pid)) throw error;
  }
}

async function waitUntilReady(
  cluster: Cluster,
  pid: number | undefined,
  exit: AbortSignal,
): Promise<number | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!exit.aborted && Date.now() < deadline) {
    const found = await readPidFile(cluster);
    if (found?.pid === pid && found?.status === 'ready') return pid;
    await delay(POLL_MS, exit);
  }
  return undefined;
}

/** https://www.postgresql.org/docs/current/storage-file-layout.html: pid, directory, start, port, sockets, address, memory, status. */
async function readPidFile(cluster: Cluster): Promise<PidFile | undefined> {
  const text = await readFile(join(cluster.path, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const [pid = '', , , port = '', , , , status = ''] = text.split('\n');
  return { pid: Number(pid), port: Number(port), status: status.trim() };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Whether a process is the cluster's server, and not one that was given the pid of a server that is gone. Its command line is
 * readable by everyone, its directory not by every root; where there is no /proc, the connection has to tell.
 */
async function isOurs(pid: number, cluster: Cluster): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (command === undefined) return true;
  if (command.split('\0').includes(cluster.path)) return true;
  const [actual, own] = await Promise.all([
    stat(`/proc/${pid}/cwd`).catch(() => undefined),
    stat(cluster.path),
  ]);
  return actual?.ino === own.ino && actual.dev === own.dev;
}

/** Postgres itself refuses to start beside any living process of its account that has the pid. */
async function removeStale(found: PidFile, cluster: Cluster): Promise<undefined> {
  const now = await readPidFile(cluster);
  if (now?.pid === found.pid) await rm(join(cluster.path, 'postmaster.pid'), { force: true });
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

/** Another process may take it before Postgres does: then the start fails and is tried again. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string')
    throw new TypeError('A TCP server has an address and a port');
  return address.port;
}
