/** The built-in Postgres: runs when no DATABASE_URL is given. Puts its files, its process and its lock together. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { delay } from '../lib/abort.ts';
import type { Log } from '../log.ts';
import { embeddedFailure } from './embedded-account.ts';
import { type Cluster, type ClusterOptions, EMBEDDED_NAME, openCluster } from './embedded-cluster.ts';
import { findPostmaster, type Postmaster, startPostmaster, stopPostmaster } from './embedded-server.ts';
import { databaseCode } from './errors.ts';

/** Disposing stops the server in order and waits for its end. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** With the password: not for the log. */
  readonly url: string;
  /** Whether the server was left running by a Millrace that was killed. */
  readonly adopted: boolean;
  /** Of the server process. */
  readonly pid: number;
  /** Where its files are: in the data directory, or in the folder that a link there leads to. */
  readonly folder: string;
}

/** Any number, as long as every version of Millrace has the same. */
const LOCK_KEY = 7_174_083_201;
const LOCK_TIMEOUT_MS = 1_000;
const START_ATTEMPTS = 3;

interface Server {
  readonly postmaster: Postmaster;
  readonly adopted: boolean;
}

/**
 * Starts PostgreSQL in `<dataDir>/postgres`, or adopts the server that a killed process left there. The binaries come with npm.
 * One Millrace at a time may use a data directory. Throws DEPENDENCY_UNAVAILABLE with one line that names the ways out.
 */
export async function startEmbeddedPostgres(options: ClusterOptions): Promise<EmbeddedPostgres> {
  try {
    return await start(options);
  } catch (error) {
    throw toStartFailure(error, options.dataDir);
  }
}

/**
 * The server that a running Millrace keeps in the data directory, for a command beside it; undefined when there is none.
 * Disposing leaves the server alone.
 */
export async function joinEmbeddedPostgres(options: ClusterOptions): Promise<EmbeddedPostgres | undefined> {
  const cluster = await openCluster(options);
  const postmaster = await findPostmaster(cluster);
  if (postmaster === undefined || !(await isLocked(cluster, postmaster))) return undefined;
  return {
    url: toUrl(cluster, postmaster, EMBEDDED_NAME),
    adopted: true,
    pid: postmaster.pid,
    folder: dirname(cluster.path),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function start(options: ClusterOptions): Promise<EmbeddedPostgres> {
  await using undo = new AsyncDisposableStack();
  const cluster = await openCluster(options);
  const { postmaster, adopted } = await obtainServer(cluster);
  const lock = undo.use(await lockServer(cluster, { postmaster, adopted }, options.dataDir));
  if (!adopted) undo.defer(() => stopPostmaster(cluster, postmaster));
  await makeDatabase(lock.driver);
  const { pid } = postmaster;
  options.log.info(
    { pid, adopted, path: cluster.path },
    adopted ? 'Adopted the built-in Postgres' : 'Started the built-in Postgres',
  );
  const watch = watchEnd(postmaster, options.log);
  undo.move();
  return {
    url: toUrl(cluster, postmaster, EMBEDDED_NAME),
    adopted,
    pid,
    folder: dirname(cluster.path),
    async [Symbol.asyncDispose]() {
      watch.stop();
      lock.release();
      await stopPostmaster(cluster, postmaster);
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** Several attempts: another process may have taken the port, or have started the same cluster, in between. */
async function obtainServer(cluster: Cluster): Promise<Server> {
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const running = await findPostmaster(cluster);
    if (running !== undefined) return { postmaster: running, adopted: true };
    const started = await startPostmaster(cluster);
    if (started !== undefined) return { postmaster: started, adopted: false };
  }
  const output = await readFile(cluster.logFile, 'utf8');
  throw embeddedFailure(`did not start (${output.trim().split('\n').at(-1)}); see ${cluster.logFile}`);
}

function toUrl(cluster: Cluster, postmaster: Postmaster, database: string): string {
  return `postgres://${EMBEDDED_NAME}:${cluster.password}@127.0.0.1:${postmaster.port}/${database}`;
}

interface Lock extends AsyncDisposable {
  readonly driver: Sql;
  /** From now on the lock may be lost: it is not taken again. */
  release(): void;
}

/** The lock of a server, which belongs to whoever holds it: another process may have adopted what this one has started. */
async function lockServer(cluster: Cluster, server: Server, dataDir: string): Promise<Lock> {
  const { postmaster, adopted } = server;
  try {
    const lock = await takeLock(cluster, postmaster);
    if (lock !== undefined) return lock;
  } catch (error) {
    if (!adopted) await stopPostmaster(cluster, postmaster);
    throw error;
  }
  throw embeddedFailure(
    `of ${dataDir} is in use by another Millrace server; stop that one or choose another MILLRACE_DATA_DIR`,
  );
}

/**
 * An advisory lock on a connection of its own: it ends with the process that holds it, however that ends. Undefined when
 * another process has it.
 */
async function takeLock(cluster: Cluster, postmaster: Postmaster): Promise<Lock | undefined> {
  let isHeld = false;
  const driver = postgres(toUrl(cluster, postmaster, 'postgres'), {
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 10,
    fetch_types: false,
    connection: { application_name: 'millrace-lock' },
    // When one of its processes dies, Postgres cuts all connections and recovers.
    onclose: () => {
      if (isHeld) void delay(100).then(() => isHeld && tryLock(driver).catch(() => false));
    },
  });
  const lock: Lock = {
    driver,
    release: () => {
      isHeld = false;
    },
    async [Symbol.asyncDispose]() {
      lock.release();
      await driver.end({ timeout: 0 });
    },
  };
  try {
    await requireSameCluster(driver, cluster);
    const deadline = Date.now() + LOCK_TIMEOUT_MS;
    // The connection of a process that was killed a moment ago may still be there.
    while (!isHeld && Date.now() < deadline) {
      isHeld = await tryLock(driver);
      if (!isHeld) await delay(50);
    }
    if (isHeld) return lock;
    await lock[Symbol.asyncDispose]();
    return undefined;
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

async function isLocked(cluster: Cluster, postmaster: Postmaster): Promise<boolean> {
  const driver = postgres(toUrl(cluster, postmaster, 'postgres'), {
    max: 1,
    connect_timeout: 10,
    fetch_types: false,
  });
  try {
    await requireSameCluster(driver, cluster);
    return !(await tryLock(driver));
  } finally {
    await driver.end({ timeout: 1 });
  }
}

async function tryLock(driver: Sql): Promise<boolean> {
  const [row] = await driver<{ held: boolean }[]>`SELECT pg_try_advisory_lock(${LOCK_KEY}) AS held`;
  return row?.held === true;
}

/** What answers on the port that postmaster.pid names may be another server. */
async function requireSameCluster(driver: Sql, cluster: Cluster): Promise<void> {
  const [row] = await driver<{ path: string }[]>`SELECT current_setting('data_directory') AS path`;
  if (row?.path !== cluster.path) {
    throw embeddedFailure(
      `cannot use ${cluster.path}: a server that was started for ${row?.path} runs there; stop that one`,
    );
  }
}

async function makeDatabase(driver: Sql): Promise<void> {
  const [found] = await driver`SELECT 1 FROM pg_database WHERE datname = ${EMBEDDED_NAME}`;
  if (found === undefined) await driver`CREATE DATABASE ${driver(EMBEDDED_NAME)}`;
}

function watchEnd(postmaster: Postmaster, log: Log): { stop(): void } {
  let isExpected = false;
  void postmaster.ended.then(() => {
    if (!isExpected)
      log.error({ pid: postmaster.pid }, 'The built-in Postgres ended unexpectedly; restart Millrace');
  });
  return {
    stop: () => {
      isExpected = true;
    },
  };
}

function toStartFailure(error: unknown, dataDir: string): unknown {
  if (!(error instanceof Error) || error.name === 'AppError') return error;
  if (databaseCode(error) === '28P01') {
    return embeddedFailure(`refuses the password in ${dataDir}/postgres.password`, error);
  }
  return embeddedFailure(`could not be started in ${dataDir} (${error.message.split('\n')[0]})`, error);
}
