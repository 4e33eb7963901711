/** One Millrace a data directory: who gets the built-in Postgres when several want it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { joinEmbeddedPostgres, startEmbeddedPostgres } from '../../../src/db/embedded.ts';
import { createLog } from '../../../src/log.ts';
import { oneLine, query } from '../../support/embedded.ts';
import { createOpenDirectory } from '../../support/postgres.ts';

const log = createLog('error');

/** The starter's connection for the lock takes so long that another process is there first. */
const SLOW_LOCK_LOGIN = `
  CREATE FUNCTION delay_lock() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF current_setting('application_name') = 'millrace-lock' THEN PERFORM pg_sleep(1); END IF;
    END $$;
  CREATE EVENT TRIGGER delay_lock ON login EXECUTE FUNCTION delay_lock()`;

function withDatabase(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

async function urlOfReadyServer(dataDir: string, formerUrl: string): Promise<string> {
  const file = join(dataDir, 'postgres', 'cluster', 'postmaster.pid');
  const lines = async () => (await readFile(file, 'utf8').catch(() => '')).split('\n');
  await expect.poll(async () => (await lines())[7], { timeout: 20_000 }).toMatch(/^ready/);
  const port = (await lines())[3] ?? '';
  return Object.assign(new URL(withDatabase(formerUrl, 'postgres')), { port }).href;
}

describe('the lock of a data directory', () => {
  test('a second Millrace on the same directory is refused in one line and disturbs nothing', async () => {
    await using directory = await createOpenDirectory();
    await using server = await startEmbeddedPostgres({ dataDir: directory.path, log });
    const second = startEmbeddedPostgres({ dataDir: directory.path, log });
    await expect(second).rejects.toEqual(oneLine('.*in use by another Millrace server', 'MILLRACE_DATA_DIR'));
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('a command beside a running Millrace joins its server and leaves it running', async () => {
    await using directory = await createOpenDirectory();
    const options = { dataDir: directory.path, log };
    expect(await joinEmbeddedPostgres(options)).toBeUndefined();
    await using server = await startEmbeddedPostgres(options);
    const joined = await joinEmbeddedPostgres(options);
    expect(joined).toMatchObject({ url: server.url, pid: server.pid });
    await joined?.[Symbol.asyncDispose]();
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('of two that start at once in a new directory, one runs and the other is refused', async () => {
    await using directory = await createOpenDirectory();
    const starts = [1, 2].map(() => startEmbeddedPostgres({ dataDir: directory.path, log }));
    const outcomes = await Promise.allSettled(starts);
    const running = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).toEqual([oneLine('.*in use by another Millrace server')]);
    expect(await query(running[0]?.url ?? '', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await running[0]?.[Symbol.asyncDispose]();
  });

  test('a server that another one adopts before its starter has the lock goes on for the other one', async () => {
    await using directory = await createOpenDirectory();
    const options = { dataDir: directory.path, log };
    const first = await startEmbeddedPostgres(options);
    await query(withDatabase(first.url, 'postgres'), SLOW_LOCK_LOGIN);
    await first[Symbol.asyncDispose]();
    const starter = startEmbeddedPostgres(options);
    const refusal = expect(starter).rejects.toEqual(oneLine('.*in use by another Millrace server'));
    const rival = postgres(await urlOfReadyServer(directory.path, first.url), { max: 1, onnotice: () => {} });
    await rival`SELECT pg_advisory_lock(7174083201)`;
    await refusal;
    expect(await rival`SELECT 1 AS one`).toEqual([{ one: 1 }]);
    await rival.end();
    const last = await startEmbeddedPostgres(options);
    expect(last.adopted).toBe(true);
    await last[Symbol.asyncDispose]();
  });

  test('the lock is taken again after Postgres has cut its connection', async () => {
    await using directory = await createOpenDirectory();
    await using server = await startEmbeddedPostgres({ dataDir: directory.path, log });
    const holders = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted`;
    const [before] = (await query(server.url, holders)) as readonly { pid: number }[];
    await query(server.url, `SELECT pg_terminate_backend(${before?.pid})`);
    await expect.poll(() => query(server.url, holders)).toEqual([{ pid: expect.any(Number) }]);
    await expect.poll(() => query(server.url, holders)).not.toEqual([before]);
  });
});
