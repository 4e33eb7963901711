/** Background jobs on real Postgres: put in by a transaction, done once, tried again, and still there after an outage. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/db/client.ts';
import { JOB_TYPES } from '../../../src/jobs/job-types.ts';
import { newId } from '../../../src/lib/ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { startTestJobs } from '../../support/jobs.ts';
import { startTestPostgres } from '../../support/postgres.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());

const toJob = (turnId: string) => ({ name: 'summarize-topic', payload: { turnId } }) as const;

describe('a job', () => {
  it('is done after the transaction that put it in, and never when that is rolled back', async () => {
    await using jobs = await startTestJobs(db.url);
    const [kept, dropped] = [newId(), newId()];
    const done: string[] = [];
    jobs.work('summarize-topic', async ({ turnId }) => void done.push(turnId));
    await jobs.start();
    const failed = db.database.asWorker(async (tx) => {
      await jobs.enqueue(tx, toJob(dropped));
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    await db.database.asWorker((tx) => jobs.enqueue(tx, toJob(kept)));
    await expect.poll(() => done).toEqual([kept]);
  });

  it('is put in once for each key, and done by one node only', async () => {
    await using first = await startTestJobs(db.url);
    await using second = await startTestJobs(db.url);
    const done: string[] = [];
    for (const node of [first, second]) {
      node.work('write-transcript', async ({ turnId }) => void done.push(turnId));
      await node.start();
    }
    const [turnId, later] = [newId(), newId()];
    const job = { name: 'write-transcript', payload: { turnId }, key: turnId } as const;
    for (const node of [first, second, first]) {
      await db.database.asWorker((tx) => node.enqueue(tx, job));
    }
    await db.database.asWorker((tx) =>
      first.enqueue(tx, { name: 'write-transcript', payload: { turnId: later } }),
    );
    await expect.poll(() => done.toSorted()).toEqual([turnId, later].toSorted());
  });

  it('is tried again as often as the table says, then given up with an error in the log', async () => {
    await using jobs = await startTestJobs(db.url);
    let attempts = 0;
    jobs.work('summarize-topic', async () => {
      attempts += 1;
      throw new Error('the backend is gone');
    });
    await jobs.start();
    await db.database.asWorker((tx) => jobs.enqueue(tx, toJob(newId())));
    await expect
      .poll(() => jobs.log.lines.filter(({ level }) => level === 'error'), { timeout: 20_000 })
      .toEqual([{ level: 'error', message: 'a job failed and is given up' }]);
    expect(attempts).toBe(JOB_TYPES['summarize-topic'].retryLimit + 1);
  });

  it('that does not look like one of its name is given up without being done', async () => {
    await using jobs = await startTestJobs(db.url);
    const done: string[] = [];
    jobs.work('summarize-topic', async ({ turnId }) => void done.push(turnId));
    await jobs.start();
    await db.database.asWorker((tx) => jobs.enqueue(tx, toJob('no UUID')));
    await expect
      .poll(() => jobs.log.lines.filter(({ level }) => level === 'error').length, { timeout: 20_000 })
      .toBe(1);
    expect(done).toEqual([]);
  });
});

describe('the queue', () => {
  it('is created by several nodes that start together', async () => {
    await using fresh = await createTestDatabase();
    const nodes = await Promise.all([1, 2, 3].map(() => startTestJobs(fresh.url)));
    const logged = nodes.flatMap(({ log }) => log.lines);
    for (const node of nodes) await node[Symbol.asyncDispose]();
    expect(logged).toEqual([]);
  });

  it('lets a running handler end when it is disposed', async () => {
    const jobs = await startTestJobs(db.url);
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let ended = false;
    jobs.work('summarize-topic', async () => {
      begun.resolve();
      await release.promise;
      ended = true;
    });
    await jobs.start();
    await db.database.asWorker((tx) => jobs.enqueue(tx, toJob(newId())));
    await begun.promise;
    const disposed = jobs[Symbol.asyncDispose]();
    release.resolve();
    await disposed;
    expect(ended).toBe(true);
  });

  it('aborts a handler that takes too long to end, and has its job done later', async () => {
    const turnId = newId();
    const hasty = await startTestJobs(db.url, { shutdownMs: 1_000 });
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    hasty.work('summarize-topic', async (_payload, signal) => {
      signal.addEventListener('abort', () => aborted.resolve());
      begun.resolve();
      await aborted.promise;
    });
    await hasty.start();
    await db.database.asWorker((tx) => hasty.enqueue(tx, toJob(turnId)));
    await begun.promise;
    await hasty[Symbol.asyncDispose]();
    await aborted.promise;
    await using later = await startTestJobs(db.url);
    const done: string[] = [];
    later.work('summarize-topic', async (payload) => void done.push(payload.turnId));
    await later.start();
    await expect.poll(() => done, { timeout: 20_000 }).toEqual([turnId]);
  });

  it('goes on when the database was away, and logs the outage once', async () => {
    await using postgres = await startTestPostgres();
    await using jobs = await startTestJobs(postgres.url);
    await using database = openDatabase({ url: postgres.url, poolSize: 2 });
    const done: string[] = [];
    jobs.work('summarize-topic', async ({ turnId }) => void done.push(turnId), { concurrency: 2 });
    await jobs.start();
    const [before, after] = [newId(), newId()];
    await database.asWorker((tx) => jobs.enqueue(tx, toJob(before)));
    await expect.poll(() => done).toEqual([before]);
    await postgres.stop();
    const outages = () => jobs.log.lines.filter(({ level }) => level === 'error').length;
    await expect.poll(outages, { timeout: 25_000 }).toBe(1);
    await postgres.start();
    await expect
      .poll(() =>
        database
          .asWorker((tx) => jobs.enqueue(tx, toJob(after)))
          .then(
            () => true,
            () => false,
          ),
      )
      .toBe(true);
    await expect.poll(() => done, { timeout: 25_000 }).toEqual([before, after]);
    expect(outages()).toBe(1);
  });
});
