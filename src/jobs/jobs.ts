/** Background work that outlives the process: a small port over pg-boss, on the same Postgres. What the jobs are stands in job-types.ts. */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { fromDrizzle, type Job, PgBoss } from 'pg-boss';
import type { AnyTx } from '../db/client.ts';
import { isUnreachable, toDatabaseError } from '../db/errors.ts';
import type { Listener } from '../db/listener.ts';
import { asLogin } from '../db/reach.ts';
import { isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type JobDatabase, openJobDatabase } from './job-database.ts';
import { JOB_NAMES, JOB_TYPES, type JobName, type JobPayload } from './job-types.ts';

export interface NewJob<Name extends JobName> {
  readonly name: Name;
  readonly payload: JobPayload<Name>;
  /** A job of this name and key is put in once, for as long as the queue remembers it: a day after its end. */
  readonly key?: string | undefined;
}

/** Does a job, possibly again after it was done: its end may not have been heard. Rejecting has it tried again. */
export type PerformJob<Name extends JobName> = (
  payload: JobPayload<Name>,
  signal: AbortSignal,
) => Promise<void>;

export interface Jobs extends AsyncDisposable {
  /** Puts a job into the queue if the caller's transaction commits. */
  enqueue<Name extends JobName>(tx: AnyTx, job: NewJob<Name>): Promise<void>;
  /** Says who does the jobs of a name on this node, at most `concurrency` (1) at a time. To be called before `start`. */
  work<Name extends JobName>(
    name: Name,
    handler: PerformJob<Name>,
    options?: { readonly concurrency?: number },
  ): void;
  /** Begins to work. While the database is away nothing is done, and afterwards it goes on by itself. */
  start(): Promise<void>;
  /** Takes no more jobs, other nodes do; those that are under way go on. Resolves when that is so. */
  retire(): Promise<void>;
}

export interface JobsOptions {
  readonly databaseUrl: string;
  readonly listener: Listener;
  readonly log: Log;
  /** Seconds between two looks for jobs that nobody was told of; at least 0.5. */
  readonly pollS?: number;
  /** Seconds before the first retry, whatever the table says; for tests. */
  readonly retryDelayS?: number;
  /** How long disposal waits for running handlers before it aborts them, in milliseconds; at least 1,000. */
  readonly shutdownMs?: number;
}

const SCHEMA = 'pgboss';
const POLL_S = 5;
/** Where workers are told of new jobs, they look this many times less often. */
const NOTIFIED_FACTOR = 3;
const SHUTDOWN_MS = 10_000;
const KEEP_ENDED_S = 24 * 60 * 60;
/** An outage is logged once in this time, not at every look for jobs. */
const OUTAGE_LOG_MS = 60_000;

type FetchedJob = Pick<Job<unknown>, 'id' | 'name' | 'data' | 'signal' | 'retryCount'>;

interface Worker {
  readonly name: JobName;
  readonly concurrency: number;
  readonly run: (job: FetchedJob) => Promise<void>;
}

/**
 * Connects, and creates the queue's schema where it is missing: nodes that start together take turns by an advisory lock.
 * Disposal lets running handlers end, for a bounded time; what is aborted then is tried again by any node.
 * Throws DEPENDENCY_UNAVAILABLE.
 */
export async function createJobs(options: JobsOptions): Promise<Jobs> {
  const { databaseUrl, listener, log, pollS = POLL_S, shutdownMs = SHUTDOWN_MS } = options;
  await using resources = new AsyncDisposableStack();
  const boss = createBoss(resources.use(openJobDatabase(databaseUrl, listener)), log);
  resources.defer(() => boss.stop({ graceful: true, timeout: shutdownMs }));
  try {
    await boss.start();
    await createQueues(boss, options.retryDelayS);
    await createSchedules(boss);
  } catch (error) {
    throw toDatabaseError(error);
  }
  const workers: Worker[] = [];
  const owned = resources.move();
  return {
    async enqueue(tx, { name, payload, key }) {
      const id = key === undefined ? {} : { id: toJobId(name, key) };
      await asLogin(tx, () => boss.send(name, payload, { ...id, db: fromDrizzle(tx, sql) }));
    },
    work(name, handler, { concurrency = 1 } = {}) {
      workers.push({ name, concurrency, run: (job) => runJob(log, job, toChecked(name, handler)) });
    },
    async start() {
      for (const { name, concurrency, run } of workers) {
        const polling = {
          pollingIntervalSeconds: pollS,
          notifyPollingIntervalSeconds: pollS * NOTIFIED_FACTOR,
        };
        await boss.work(name, { localConcurrency: concurrency, ...polling }, async ([job]) => {
          if (job) await run(job);
        });
      }
    },
    async retire() {
      await Promise.all(workers.map(({ name }) => boss.offWork(name, { wait: false })));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function createBoss(db: JobDatabase, log: Log): PgBoss {
  const boss = new PgBoss({
    db,
    schema: SCHEMA,
    useListenNotify: true,
    // A minute is as fine as schedules are; what they put in is found at the next look.
    cronWorkerIntervalSeconds: 10,
    registerInstance: false,
    monitorVacuum: false,
  });
  let quietUntil = 0;
  boss.on('error', (error) => {
    const isOutage = isUnreachable(error) || isAppError(error, 'DEPENDENCY_UNAVAILABLE');
    const now = performance.now();
    if (isOutage && now < quietUntil) return;
    if (isOutage) quietUntil = now + OUTAGE_LOG_MS;
    log.error({ err: error }, 'the job queue met a failure; it goes on');
  });
  boss.on('warning', ({ message, data }) => log.warn({ data }, message));
  return boss;
}

async function createQueues(boss: PgBoss, retryDelayS: number | undefined): Promise<void> {
  for (const name of JOB_NAMES) {
    const { retryLimit, expireInS, notify } = JOB_TYPES[name];
    const retryDelay = retryDelayS ?? JOB_TYPES[name].retryDelayS;
    const settings = {
      retryLimit,
      retryDelay,
      retryBackoff: retryDelay > 0,
      expireInSeconds: expireInS,
      deleteAfterSeconds: KEEP_ENDED_S,
      notify,
    };
    await boss.createQueue(name, { ...settings, ...('cron' in JOB_TYPES[name] && { policy: 'stately' }) });
    // A queue that an earlier version made keeps its settings otherwise.
    await boss.updateQueue(name, settings);
  }
}

async function createSchedules(boss: PgBoss): Promise<void> {
  for (const name of JOB_NAMES) {
    const type = JOB_TYPES[name];
    if ('cron' in type) await boss.schedule(name, type.cron, {}, { tz: 'UTC' });
  }
}

type CheckedHandler = (payload: unknown, signal: AbortSignal) => Promise<void>;

function toChecked<Name extends JobName>(name: Name, handler: PerformJob<Name>): CheckedHandler {
  return async (payload, signal) =>
    handler(JOB_TYPES[name].payload.parse(payload) as JobPayload<Name>, signal);
}

/** The queue keeps what a handler throws: no more than its sentence, for a cause may hold what was sent to a backend. */
async function runJob(log: Log, job: FetchedJob, handler: CheckedHandler): Promise<void> {
  try {
    await handler(job.data, job.signal);
  } catch (error) {
    const facts = { err: error, job: job.name, jobId: job.id, attempt: job.retryCount + 1 };
    const isLast = job.retryCount >= JOB_TYPES[job.name as JobName].retryLimit;
    if (isLast) log.error(facts, 'a job failed and is given up');
    else log.warn(facts, 'a job failed and is tried again');
    throw new Error(error instanceof Error ? error.message : 'The job failed');
  }
}

/** The same name and key are the same id (a UUID of version 8, RFC 9562 §5.8). */
function toJobId(name: JobName, key: string): string {
  const bytes = createHash('sha256').update(`${name}\n${key}`).digest().subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
