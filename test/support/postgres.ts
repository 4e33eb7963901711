/** Postgres servers for tests: one for the whole run, and single ones that a test may stop, start and pause. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { type Cluster, EMBEDDED_NAME, openCluster } from '../../src/db/embedded-cluster.ts';
import { type Postmaster, startPostmaster, stopPostmaster } from '../../src/db/embedded-server.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { createLog } from '../../src/log.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A migrated database that nobody is connected to. */
    readonly templateUrl: string;
  }
}

/** A server of its own, with an empty database. Disposing stops it and removes its files. */
export interface TestPostgres extends AsyncDisposable {
  readonly url: string;
  /** Of the server process as it is now. */
  readonly pid: number;
  stop(): Promise<void>;
  /** Ends it at once, as a crash would: it recovers at the next start. */
  crash(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
  /** Freezes every process of the server: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

const FAST = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200'];

/** Vitest's globalSetup; returns the teardown. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const external = process.env.TEST_DATABASE_URL;
  await using undo = new AsyncDisposableStack();
  const url = external ?? undo.use(await startTestPostgres()).url;
  const template = await createDatabase(url);
  undo.defer(() => dropDatabase(template));
  const missing = await migrateDatabase(template);
  if (missing.length > 0) throw new Error(`The login of the tests is to make roles: ${missing.join(' ')}`);
  project.provide('templateUrl', template);
  const teardown = undo.move();
  return () => teardown.disposeAsync();
}

/** A new database on the server of `url`, a copy of that url's own database when asked for. Returns its url. */
export async function createDatabase(
  url: string,
  options: { readonly copy?: boolean } = {},
): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = options.copy ? nameOf(url) : 'template1';
  await asAdmin(url, (sql) => sql`CREATE DATABASE ${sql(name)} TEMPLATE ${sql(template)}`);
  return withName(url, name);
}

export async function dropDatabase(url: string): Promise<void> {
  await asAdmin(url, (sql) => sql`DROP DATABASE IF EXISTS ${sql(nameOf(url))} WITH (FORCE)`);
}

/** A directory that another account may enter, unlike what mkdtemp makes. */
export async function createOpenDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'millrace-test-')));
  await chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The settings win over those that make tests fast, such as `synchronous_commit=off`, with which a crash loses commits. */
export async function startTestPostgres(settings: readonly string[] = []): Promise<TestPostgres> {
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await createOpenDirectory());
  const cluster = await openCluster({ dataDir: directory.path, log: createLog('warn') });
  let server = await startAgain(cluster, settings);
  const { port } = server;
  undo.defer(() => stopPostmaster(cluster, server));
  const url = `postgres://${EMBEDDED_NAME}:${cluster.password}@127.0.0.1:${port}/postgres`;
  const owned = undo.move();
  return {
    url,
    get pid() {
      return server.pid;
    },
    stop: () => stopPostmaster(cluster, server),
    crash: async () => {
      process.kill(server.pid, 'SIGQUIT');
      await server.ended;
    },
    start: async () => {
      server = await startAgain(cluster, settings, port);
    },
    pause: () => signalAll(server.pid, 'SIGSTOP'),
    resume: () => signalAll(server.pid, 'SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await signalAll(server.pid, 'SIGCONT');
      await owned.disposeAsync();
    },
  };
}

async function startAgain(cluster: Cluster, settings: readonly string[], port?: number): Promise<Postmaster> {
  const server = await startPostmaster(cluster, {
    settings: [...FAST, ...settings],
    ...(port === undefined ? {} : { port }),
  });
  if (server === undefined) throw new Error(await readFile(cluster.logFile, 'utf8'));
  return server;
}

/** The parent first: it would otherwise react to what happens to its children. */
async function signalAll(parent: number, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  for (const pid of [parent, ...(await childrenOf(parent))]) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended, and so it is neither frozen nor to be frozen.
    }
  }
}

async function childrenOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const statuses = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, index) => statuses[index]?.includes(`\nPPid:\t${parent}\n`));
}

async function asAdmin(url: string, run: (sql: postgres.Sql) => PromiseLike<unknown>): Promise<void> {
  const sql = postgres(withName(url, 'postgres'), { max: 1, onnotice: () => {} });
  try {
    await run(sql);
  } finally {
    await sql.end();
  }
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

function withName(url: string, name: string): string {
  const named = new URL(url);
  named.pathname = `/${name}`;
  return named.href;
}
