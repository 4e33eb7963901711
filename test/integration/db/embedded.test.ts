/** The built-in Postgres with real processes: what it survives, and what it refuses. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../../src/db/embedded.ts';
import { findBinaries, toRunnable } from '../../../src/db/embedded-binaries.ts';
import { openCluster } from '../../../src/db/embedded-cluster.ts';
import { findPostmaster } from '../../../src/db/embedded-server.ts';
import { createLog } from '../../../src/log.ts';
import { isRunning } from '../../support/child-process.ts';
import { oneLine, query } from '../../support/embedded.ts';
import { createOpenDirectory } from '../../support/postgres.ts';

const log = createLog('error');
const isRoot = process.getuid?.() === 0;
const SCRIPT = fileURLToPath(new URL('../../support/embedded-process.ts', import.meta.url));

/** Of `daemon`, who is on every system: initdb wants the name of its user. */
const NON_ROOT = 1;

interface Running {
  readonly child: ChildProcess;
  readonly said: { readonly url: string; readonly pid: number; readonly adopted: boolean };
}

async function startProcess(dataDir: string, uid?: number): Promise<Running> {
  const account = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn(process.execPath, [SCRIPT, dataDir], {
    ...account,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit').then(([code]) => Promise.reject(new Error(`It ended with ${code}`)));
  const [line] = await Promise.race([once(child.stdout, 'data'), exit]);
  return { child, said: JSON.parse(String(line)) };
}

describe('the built-in Postgres', () => {
  test('keeps what was written over a stop, and ends its process', async () => {
    await using directory = await createOpenDirectory();
    const first = await startEmbeddedPostgres({ dataDir: directory.path, log });
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS value');
    await first[Symbol.asyncDispose]();
    await expect.poll(() => isRunning(first.pid)).toBe(false);
    await using second = await startEmbeddedPostgres({ dataDir: directory.path, log });
    expect(second.adopted).toBe(false);
    expect(await query(second.url, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
  });

  test('is safe and small: durable, local, in UTF-8, with a password that only its owner reads', async () => {
    await using directory = await createOpenDirectory();
    await using server = await startEmbeddedPostgres({ dataDir: directory.path, log });
    const settings = await query(
      server.url,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
        current_setting('listen_addresses') AS address, current_setting('server_encoding') AS encoding,
        current_setting('unix_socket_directories') AS sockets, lower('ÄÖ') AS lower`,
    );
    expect(settings).toEqual([
      { fsync: 'on', commit: 'on', address: '127.0.0.1', encoding: 'UTF8', sockets: '', lower: 'äö' },
    ]);
    expect((await stat(join(directory.path, 'postgres.password'))).mode & 0o777).toBe(0o600);
    const stranger = server.url.replace(/:[0-9a-f]+@/, ':wrong@');
    await expect(query(stranger, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('where no folder can be made, one line says so at once', async () => {
    const start = startEmbeddedPostgres({ dataDir: '/proc/millrace/data', log });
    await expect(start).rejects.toEqual(oneLine('.*/proc/millrace/data'));
  });
});

describe('after a kill -9', () => {
  test('of the process, the next one adopts the server at once, and stops it in the end', async () => {
    await using directory = await createOpenDirectory();
    const { child, said } = await startProcess(directory.path);
    await query(said.url, 'CREATE TABLE kept AS SELECT 42 AS value');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const adopted = await startEmbeddedPostgres({ dataDir: directory.path, log });
    expect(adopted).toMatchObject({ adopted: true, pid: said.pid, url: said.url });
    expect(await query(adopted.url, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
    await adopted[Symbol.asyncDispose]();
    await expect(query(adopted.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await readdir(join(directory.path, 'postgres', 'cluster'))).not.toContain('postmaster.pid');
  });

  test('of the server too, the next one recovers what was committed', async () => {
    await using directory = await createOpenDirectory();
    const { child, said } = await startProcess(directory.path);
    await query(said.url, 'CREATE TABLE kept AS SELECT 42 AS value');
    process.kill(said.pid, 'SIGKILL');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await using next = await startEmbeddedPostgres({ dataDir: directory.path, log });
    expect(next.adopted).toBe(false);
    expect(await query(next.url, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
  });

  test('a postmaster.pid whose number now belongs to another process does not block', async () => {
    await using directory = await createOpenDirectory();
    const first = await startEmbeddedPostgres({ dataDir: directory.path, log });
    await first[Symbol.asyncDispose]();
    const cluster = await realpath(join(directory.path, 'postgres', 'cluster'));
    const lines = [process.pid, cluster, '1700000000', '5432', '', '127.0.0.1', '', 'ready   '];
    await writeFile(join(cluster, 'postmaster.pid'), `${lines.join('\n')}\n`);
    await using next = await startEmbeddedPostgres({ dataDir: directory.path, log });
    expect(next.adopted).toBe(false);
  });

  test('one that is still dying, and takes no connections, is waited for and not adopted', async () => {
    await using directory = await createOpenDirectory();
    const first = await startEmbeddedPostgres({ dataDir: directory.path, log });
    await first[Symbol.asyncDispose]();
    const cluster = await realpath(join(directory.path, 'postgres', 'cluster'));
    const dying = spawn(process.execPath, ['-e', 'process.stdin.resume()', cluster]);
    const lines = [dying.pid, cluster, '1700000000', '1', '', '127.0.0.1', '', 'ready   '];
    await writeFile(join(cluster, 'postmaster.pid'), `${lines.join('\n')}\n`);
    let isFound = false;
    const finding = findPostmaster(await openCluster({ dataDir: directory.path, log })).finally(() => {
      isFound = true;
    });
    // Takes far longer than to look once.
    await once(spawn(process.execPath, ['-e', '']), 'exit');
    expect(isFound).toBe(false);
    dying.stdin.end();
    expect(await finding).toBeUndefined();
    await using next = await startEmbeddedPostgres({ dataDir: directory.path, log });
    expect(next.adopted).toBe(false);
  });

  test('Ctrl-C in the terminal of Millrace leaves the server to Millrace', async () => {
    await using directory = await createOpenDirectory();
    const { child, said } = await startProcess(directory.path);
    const groupOf = async (pid: number) => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')[4];
    expect(await groupOf(said.pid)).not.toBe(await groupOf(child.pid ?? 0));
    child.kill('SIGTERM');
    await once(child, 'exit');
    await expect.poll(() => isRunning(said.pid)).toBe(false);
  });
});

describe('accounts', () => {
  test.runIf(isRoot)('as root, Postgres runs as another account', async () => {
    await using directory = await createOpenDirectory();
    await using server = await startEmbeddedPostgres({ dataDir: directory.path, log });
    expect((await stat(`/proc/${server.pid}`)).uid).toBe(65_534);
  });

  test.runIf(isRoot)(
    'as root below a closed directory, the cluster moves to the state directory',
    async () => {
      await using state = await createOpenDirectory();
      await using directory = await createOpenDirectory();
      const closed = join(directory.path, 'closed');
      await mkdir(closed, { mode: 0o700 });
      const options = { dataDir: join(closed, '.millrace'), log, stateDir: state.path };
      const first = await startEmbeddedPostgres(options);
      await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS value');
      await first[Symbol.asyncDispose]();
      expect((await stat(closed)).mode & 0o777).toBe(0o700);
      expect(await readdir(state.path)).toHaveLength(1);
      await using second = await startEmbeddedPostgres(options);
      expect(await query(second.url, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
      expect(await readdir(state.path)).toHaveLength(1);
    },
  );

  test.runIf(isRoot)(
    'as root below a closed directory without a state directory, one line says the ways out',
    async () => {
      await using directory = await createOpenDirectory();
      await chmod(directory.path, 0o700);
      const start = startEmbeddedPostgres({ dataDir: directory.path, log, stateDir: '/nonexistent' });
      await expect(start).rejects.toEqual(oneLine('.*is closed to uid 65534', 'MILLRACE_DATA_DIR'));
    },
  );

  test.runIf(isRoot)(
    'a user who is not root runs Postgres as himself, and root later runs it as that user',
    async () => {
      await using directory = await createOpenDirectory();
      await chown(directory.path, NON_ROOT, NON_ROOT);
      const { child, said } = await startProcess(directory.path, NON_ROOT);
      expect((await stat(`/proc/${said.pid}`)).uid).toBe(NON_ROOT);
      child.kill('SIGTERM');
      await once(child, 'exit');
      await using server = await startEmbeddedPostgres({ dataDir: directory.path, log });
      expect((await stat(`/proc/${server.pid}`)).uid).toBe(NON_ROOT);
    },
  );
});

describe('the binaries', () => {
  test('where there are none for the platform, one line says so', async () => {
    await expect(findBinaries('sunos', 'mips')).rejects.toEqual(oneLine('.*no binaries for sunos-mips'));
  });

  test('without the links that the install script makes, they run from a copy that is made once', async () => {
    await using directory = await createOpenDirectory();
    const installed = await findBinaries(process.platform, process.arch);
    const root = join(directory.path, 'package');
    await cp(installed.root, root, { recursive: true, verbatimSymlinks: true });
    const links = JSON.parse(await readFile(join(root, 'pg-symlinks.json'), 'utf8')) as readonly {
      target: string;
    }[];
    for (const { target } of links) await rm(join(directory.path, target.replace('native', 'package')));
    const runnable = await toRunnable({ ...installed, root }, directory.path, undefined);
    const { stdout } = await promisify(execFile)(join(runnable.root, 'bin', 'initdb'), ['--version']);
    expect(stdout).toContain('(PostgreSQL) 18');
    expect(await toRunnable({ ...installed, root }, directory.path, undefined)).toEqual(runnable);
    expect((await readdir(directory.path)).sort()).toEqual([`binaries-${installed.version}`, 'package']);
  });

  test.runIf(isRoot)('where the account may not read them, they run from a copy that it may', async () => {
    await using directory = await createOpenDirectory();
    const installed = await findBinaries(process.platform, process.arch);
    const root = join(directory.path, 'closed', 'native');
    await cp(installed.root, root, { recursive: true, verbatimSymlinks: true });
    await chmod(join(directory.path, 'closed'), 0o700);
    const account = { uid: 65_534, gid: 65_534 };
    const runnable = await toRunnable({ ...installed, root }, directory.path, account);
    const { stdout } = await promisify(execFile)(
      join(runnable.root, 'bin', 'initdb'),
      ['--version'],
      account,
    );
    expect(stdout).toContain('(PostgreSQL) 18');
  });
});
