/** The pool over a real Postgres: whose transaction it is, and what happens when Postgres goes away. */
import { setImmediate } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../../src/db/client.ts';
import { startTcpProxy } from '../../chaos/tcp-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { startTestPostgres } from '../../support/postgres.ts';

const viewer = { id: 'alice', name: 'Alice' } as never;
const unavailable = expect.objectContaining({ name: 'AppError', code: 'DEPENDENCY_UNAVAILABLE' });

describe('a transaction', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
    await db.database.driver`CREATE TABLE note (body text)`;
    await db.database.driver`GRANT ALL ON note TO PUBLIC`;
  });
  afterAll(() => db[Symbol.asyncDispose]());

  test('the viewer is set from the first statement to the last, and for nobody after', async () => {
    const who = sql`SELECT current_setting('millrace.viewer_id', true) AS who`;
    const seen = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        db.database.asViewer({ ...(viewer as object), id: `viewer-${index}` } as never, async (tx) => {
          const [first] = await tx.execute(who);
          const [second] = await tx.transaction((inner) => inner.execute(who));
          return [first?.who, second?.who];
        }),
      ),
    );
    expect(seen).toEqual(seen.map((_, index) => [`viewer-${index}`, `viewer-${index}`]));
    const [after] = await db.database.asWorker((tx) => tx.execute(who));
    expect(after?.who ?? '').toBe('');
  });

  test('arrays arrive as they were sent, whatever they contain', async () => {
    const texts = [
      'plain',
      '',
      'null',
      'a,b',
      'a "quote"',
      'back\\slash',
      '{brace}',
      'naïve ✓',
      'two\nlines',
    ];
    const ids = ['00000000-0000-7000-8000-000000000001'];
    const [row] = await db.database.asWorker((tx) =>
      tx.execute(sql`SELECT to_json(${sql.param(texts)}::text[]) AS texts, to_json(${sql.param(ids)}::uuid[]) AS ids,
        to_json(${sql.param([1, -2])}::int[]) AS numbers, to_json(${sql.param([])}::int[]) AS none`),
    );
    expect(row).toEqual({ texts, ids, numbers: [1, -2], none: [] });
  });

  test('what throws is rolled back and thrown as it is', async () => {
    const fault = new Error('mine');
    const attempt = db.database.asViewer(viewer, async (tx) => {
      await tx.execute(sql`INSERT INTO note VALUES ('rolled back')`);
      throw fault;
    });
    await expect(attempt).rejects.toBe(fault);
    expect(await db.database.asWorker((tx) => tx.execute(sql`SELECT * FROM note`))).toHaveLength(0);
  });

  test('a statement after the end of its transaction is refused', async () => {
    let escaped: (() => Promise<unknown>) | undefined;
    await db.database.asViewer(viewer, async (tx) => {
      escaped = async () => tx.execute(sql`INSERT INTO note VALUES ('escaped')`);
    });
    await expect(escaped?.()).rejects.toMatchObject({
      cause: { message: 'The database transaction is over' },
    });
  });

  test('what a failed transaction left unawaited sends nothing more', async () => {
    const refusals: unknown[] = [];
    const failing = db.database.asWorker(async (tx) => {
      // By then the ROLLBACK is sent, and its answer is not there yet.
      const straggler = setImmediate().then(() => tx.execute(sql`CREATE TABLE straggler ()`));
      straggler.catch((error: unknown) => refusals.push(error));
      throw new Error('before the other was done');
    });
    await expect(failing).rejects.toThrow('before the other was done');
    await expect.poll(() => refusals).toMatchObject([{ cause: { code: 'DEPENDENCY_UNAVAILABLE' } }]);
    const [row] = await db.database.driver`SELECT to_regclass('straggler') AS found`;
    expect(row).toEqual({ found: null });
  });

  test('after the deadline the caller is told, and nothing is committed', async () => {
    await using hasty = openDatabase({ url: db.url, poolSize: 2, deadlineMs: 300 });
    const release = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<unknown>();
    const attempt = hasty.asWorker(async (tx) => {
      await tx.execute(sql`INSERT INTO note VALUES ('late')`);
      await release.promise;
      await tx.execute(sql`INSERT INTO note VALUES ('later')`).catch(ended.resolve);
    });
    await expect(attempt).rejects.toEqual(unavailable);
    release.resolve();
    expect(await ended.promise).toMatchObject({ cause: { message: 'The database transaction is over' } });
    await hasty.ping();
    expect(await db.database.asWorker((tx) => tx.execute(sql`SELECT * FROM note`))).toHaveLength(0);
  });
});

describe('when Postgres goes away', () => {
  test('a call is refused within 6 seconds, and works again after Postgres does, on the same Database', async () => {
    await using server = await startTestPostgres();
    await using database = openDatabase({ url: server.url, poolSize: 3 });
    const work = () => database.asViewer(viewer, (tx) => tx.execute(sql`SELECT 1 AS one`));
    await work();
    const running = database.asWorker((tx) => tx.execute(sql`SELECT pg_sleep(9)`));
    const running2 = database.asWorker(async (tx) => {
      await tx.execute(sql`SELECT 1`);
      await stopped.promise;
      await tx.execute(sql`SELECT 2`);
    });
    const stopped = Promise.withResolvers<void>();
    const refused = [
      expect(running).rejects.toEqual(unavailable),
      expect(running2).rejects.toEqual(unavailable),
    ];
    await database.ping();
    await server.stop();
    stopped.resolve();
    await Promise.all(refused);
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 10 }, () => expect(work()).rejects.toEqual(unavailable)));
    await expect(database.ping()).rejects.toEqual(unavailable);
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    await server.start();
    await expect.poll(work, { timeout: 5_000 }).toHaveLength(1);
  });

  test('connections that are cut while they are being made harm nobody', async () => {
    await using server = await startTestPostgres();
    for (let round = 0; round < 3; round += 1) {
      await using database = openDatabase({ url: server.url, poolSize: 10 });
      const calls = Array.from({ length: 10 }, () => database.ping());
      await Promise.race(calls);
      await server.stop();
      const outcomes = await Promise.allSettled(calls);
      const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      expect(failures).toEqual(failures.map(() => unavailable));
      await server.start();
    }
  });

  test('connections that are lost together are not waited for, and not used again', async () => {
    await using server = await startTestPostgres();
    const url = new URL(server.url);
    await using network = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    Object.assign(url, { hostname: '127.0.0.1', port: network.port });
    await using database = openDatabase({ url: url.href, poolSize: 3 });
    // Whoever fails tries again at once, on a connection that may be the next to be closed.
    const calls = Array.from({ length: 12 }, async () => {
      await database.notify('channel', '').catch(() => {});
      await database.driver`SELECT pg_sleep(3)`.catch(() => {});
      return database.ping().catch(() => {});
    });
    const countSleepers = () =>
      database.keeper.asWorker(async (tx) => {
        const [row] = await tx.execute<{
          count: number;
        }>(sql`SELECT count(*)::int AS count FROM pg_stat_activity
          WHERE wait_event = 'PgSleep'`);
        return row?.count;
      });
    await expect.poll(countSleepers).toBe(3);
    network.leave();
    await Promise.all(calls);
    const startedAt = performance.now();
    for (let round = 0; round < 4; round += 1)
      await Promise.all(Array.from({ length: 6 }, () => database.ping()));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test('a frozen Postgres is given up in the time for connecting, its connections are replaced, and it may come back', async () => {
    await using server = await startTestPostgres();
    await using database = openDatabase({
      url: server.url,
      poolSize: 3,
      connectTimeoutS: 1,
      deadlineMs: 1_500,
    });
    const work = () => database.asViewer(viewer, (tx) => tx.execute(sql`SELECT 1 AS one`));
    await work();
    const silent = database.driver;
    await server.pause();
    const startedAt = performance.now();
    await expect(work()).rejects.toEqual(unavailable);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    const driverAfterRefusal = async () => {
      await expect(work()).rejects.toEqual(unavailable);
      return database.driver;
    };
    await expect.poll(driverAfterRefusal, { timeout: 6_000 }).not.toBe(silent);
    await server.resume();
    await expect.poll(work, { timeout: 5_000 }).toHaveLength(1);
  });
});
