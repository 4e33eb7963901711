/** The connection pool and its transactions. Stores receive a transaction that says for whom it runs, never the pool. */
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres, { type Sql, type TransactionSql } from 'postgres';
import { AppError } from '../errors.ts';
import type { TransactionName } from '../faults.ts';
import type { Viewer } from '../types/viewer.ts';
import { arrayTypes } from './array-types.ts';
import { isConnectionLost, isUnreachable, toDatabaseError } from './errors.ts';
import { createReplaceable, type Pool } from './replaceable.ts';
import { APP_ROLE, WORKER_ROLE } from './roles.ts';
import { type Transaction, transact, type Work } from './transaction.ts';

/** A transaction of a viewer, who is set for row-level security. */
export type ViewerTx = Transaction & {
  /** Who it is, and the owner of whatever it inserts. */
  readonly viewerId: string;
  /** Whose rows it may touch; null: everyone's, by an action of the viewer's. */
  readonly ownerId: string | null;
};
/** A transaction of the server's own work: the event writer, the reaper, jobs. */
export type WorkerTx = Transaction & { readonly viewerId: null; readonly ownerId: null };
/** For what is shared by all viewers, and for what both do with what is not. */
export type AnyTx = ViewerTx | WorkerTx;

/**
 * How far a viewer's transaction reaches: what is theirs; that, and what they asked in conversations of others; everything.
 * Only auth/reach-others.ts asks for more than the first: it sees to the permission and to the audit.
 */
export type Reach = 'OWN' | 'ASKED' | 'EVERYONE';

export interface ViewerOptions {
  readonly name?: TransactionName;
  /** Absent: what is the viewer's own. */
  readonly reach?: Reach;
}

export interface Database extends AsyncDisposable {
  /**
   * Runs in one transaction with the viewer set. Throws DEPENDENCY_UNAVAILABLE when the transaction could not begin within
   * 5 seconds (30 while others still get answers: then it only queues for a connection), had not ended 15 seconds later, or
   * lost its connection; then it is not committed, unless COMMIT was under way. The name is for tests that make it fail.
   */
  asViewer<T>(viewer: Viewer, run: (tx: ViewerTx) => Promise<T>, options?: ViewerOptions): Promise<T>;
  /** The same for the server's own work. */
  asWorker<T>(run: (tx: WorkerTx) => Promise<T>, name?: TransactionName): Promise<T>;
  /** Resolves when the database answers; throws DEPENDENCY_UNAVAILABLE otherwise. */
  ping(): Promise<void>;
  /**
   * Sends a notification, at once and outside of any transaction; the payload has less than 8,000 bytes. Resolves when all
   * who listen will hear it. Throws DEPENDENCY_UNAVAILABLE.
   */
  notify(channel: string, payload: string): Promise<void>;
  /** The driver of the moment: another takes its place after the database fell silent. */
  readonly driver: Sql;
  /** For what keeps turns safe: connections that no question can take, so that it never waits behind what it has to guard. */
  readonly keeper: Pick<Database, 'asWorker'>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize: number;
  /** Whether the roles of roles.ts can be used: `migrateDatabase` has found none missing. Absent: all runs as the login. */
  readonly hasRoles?: boolean;
  /** Seconds to wait for a connection that answers before giving up. */
  readonly connectTimeoutS?: number;
  /** Milliseconds that a transaction may take once it has begun. */
  readonly deadlineMs?: number;
}

/** Below the deadline: a server that is alive ends its statements itself. */
const STATEMENT_TIMEOUT_MS = 10_000;
const DEADLINE_MS = 15_000;
/** Longest wait for a free connection of a database that answers. */
const QUEUE_MS = 30_000;

interface AnsweringPool extends Pool {
  /** When it last gave an answer of any kind, by the monotonic clock. */
  answeredAt: number;
}

/** Beside those of the pool, opened when they are used; more than orphans are ended side by side, so that leases never wait. */
const KEEPER_CONNECTIONS = 4;

export function openDatabase(options: DatabaseOptions): Database {
  const pooled = openPooled(options);
  const keeper = openPooled({ ...options, poolSize: KEEPER_CONNECTIONS });
  const close = pooled[Symbol.asyncDispose];
  return Object.assign(pooled, {
    keeper,
    async [Symbol.asyncDispose]() {
      await Promise.all([close(), keeper[Symbol.asyncDispose]()]);
    },
  });
}

function openPooled(options: DatabaseOptions): Omit<Database, 'keeper'> {
  const connectTimeoutS = options.connectTimeoutS ?? 5;
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const hasRoles = options.hasRoles ?? false;
  const pools = createReplaceable(() => openPool(options, connectTimeoutS), QUEUE_MS + deadlineMs);
  const isSilent = ({ answeredAt }: AnsweringPool, startedAt: number): boolean =>
    answeredAt < startedAt && performance.now() - answeredAt >= deadlineMs;

  const run = async <T>(work: (driver: Sql, limit: Limit) => Promise<T>): Promise<T> => {
    const used = pools.current;
    const startedAt = performance.now();
    const onAnswer = (): void => {
      used.answeredAt = performance.now();
    };
    const beginMs = connectTimeoutS * 1000;
    const isAnswering = (): boolean => performance.now() - used.answeredAt < beginMs;
    using limit = createLimit({ beginMs, endMs: deadlineMs, isAnswering, onBegin: onAnswer });
    try {
      const result = await Promise.race([work(used.driver, limit), limit.expired]);
      onAnswer();
      return result;
    } catch (error) {
      if (limit.signal.aborted && isSilent(used, startedAt)) pools.drop(used);
      else if (isConnectionLost(error)) pools.retire(used);
      if (!limit.signal.aborted && !isUnreachable(error)) onAnswer();
      throw toDatabaseError(error);
    }
  };

  const inTransaction = <T>(work: Omit<Work<T>, 'signal' | 'onBegin'>): Promise<T> =>
    run((driver, limit) => transact(driver, { ...work, ...limit }));

  return {
    get driver() {
      return pools.current.driver;
    },
    asViewer: (viewer, work, { reach = 'OWN' } = {}) =>
      inTransaction({
        first: (client) => setViewer(client, { viewerId: viewer.id, reach, hasRoles }),
        run: (tx) =>
          work(Object.assign(tx, { viewerId: viewer.id, ownerId: reach === 'EVERYONE' ? null : viewer.id })),
      }),
    asWorker: (work) =>
      inTransaction({
        ...(hasRoles && { first: setWorker }),
        run: (tx) => work(Object.assign(tx, { viewerId: null, ownerId: null })),
      }),
    ping: () => run(async (driver) => void (await driver`SELECT 1`)),
    // Notifying commits hold a lock that all of them share. One that has written nothing does not wait for the disk under it.
    notify: (channel, payload) =>
      run(async (driver) => void (await driver`SELECT pg_notify(${channel}, ${payload})`)),
    [Symbol.asyncDispose]: () => pools[Symbol.asyncDispose](),
  };
}

interface ViewerSettings {
  readonly viewerId: string;
  readonly reach: Reach;
  readonly hasRoles: boolean;
}

/** All until the end of the transaction, in one statement; a pooler that gives the connection on then gives nothing on. */
function setViewer(client: TransactionSql, { viewerId, reach, hasRoles }: ViewerSettings) {
  // What was asked in conversations of others is told from the rest by the owner that each statement names.
  const others = reach === 'OWN' ? '' : 'on';
  const statement = hasRoles
    ? client`SELECT set_config('millrace.viewer_id', ${viewerId}, true), set_config('millrace.others', ${others}, true),
        set_config('role', ${APP_ROLE}, true)`
    : client`SELECT set_config('millrace.viewer_id', ${viewerId}, true), set_config('millrace.others', ${others}, true)`;
  return statement.execute();
}

function setWorker(client: TransactionSql) {
  return client`SELECT set_config('role', ${WORKER_ROLE}, true)`.execute();
}

function openPool(options: DatabaseOptions, connectTimeoutS: number): AnsweringPool {
  const driver = postgres(options.url, {
    max: options.poolSize,
    connect_timeout: connectTimeoutS,
    idle_timeout: 300,
    max_lifetime: 60 * 60,
    backoff: (attempt) => Math.min(0.05 * 2 ** attempt, 0.5) * (0.5 + Math.random() / 2),
    onnotice: () => {},
    fetch_types: false,
    types: arrayTypes(),
    connection: {
      application_name: 'millrace',
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: DEADLINE_MS,
    },
  });
  // Sets the driver's types: drizzle converts times and JSON itself.
  drizzle(driver);
  return { driver, answeredAt: performance.now() };
}

interface Limit extends Disposable {
  /** Aborted when the time is up; by then `expired` has rejected. */
  readonly signal: AbortSignal;
  readonly expired: Promise<never>;
  /** The time to begin is over, the time to end starts. */
  onBegin(): void;
}

interface LimitOptions {
  readonly beginMs: number;
  readonly endMs: number;
  /** Whether others got an answer lately. */
  readonly isAnswering: () => boolean;
  readonly onBegin: () => void;
}

function createLimit({ beginMs, endMs, isAnswering, onBegin }: LimitOptions): Limit {
  const controller = new AbortController();
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const expire = (): void => {
    const error = new AppError('DEPENDENCY_UNAVAILABLE', 'The database did not answer in time');
    controller.abort(error);
    reject(error);
  };
  let queuedMs = 0;
  const expireBegin = (): void => {
    queuedMs += beginMs;
    if (queuedMs >= QUEUE_MS || !isAnswering()) expire();
    else timer = setTimeout(expireBegin, beginMs);
  };
  let timer = setTimeout(expireBegin, beginMs);
  return {
    signal: controller.signal,
    expired,
    onBegin: () => {
      onBegin();
      clearTimeout(timer);
      if (!controller.signal.aborted) timer = setTimeout(expire, endMs);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
