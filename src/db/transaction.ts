/** One transaction over the driver: what is sent, what is refused, when it is given up. Knows no viewer and no pool. */

import { PgDialect } from 'drizzle-orm/pg-core';
import { PostgresJsSession, PostgresJsTransaction } from 'drizzle-orm/postgres-js';
import type { Sql, TransactionSql } from 'postgres';
import { AppError } from '../errors.ts';
import { OVER } from '../lib/abort.ts';
import { isConnectionLost } from './errors.ts';

export type Transaction = PostgresJsTransaction<Record<string, never>, Record<string, never>>;

export interface Work<T> {
  /** A statement that is sent ahead of the first of `run`; its answer is not waited for. */
  readonly first?: (client: TransactionSql) => PromiseLike<unknown>;
  readonly run: (tx: Transaction) => Promise<T>;
  /** Aborted when the caller has been told that the transaction failed: from then on it may not be committed. */
  readonly signal: AbortSignal;
  /** Called when the database has answered BEGIN. */
  readonly onBegin: () => void;
}

/** What the parts of one transaction know of its state. */
interface State {
  /** Aborted when the transaction has ended or its connection is lost. */
  readonly over: AbortSignal;
  readonly late: AbortSignal;
  /** True once `run` has settled: what it left unawaited may send nothing more. */
  isSettled: boolean;
  /** Lets every failure of a statement be seen before the code that awaits it can go on. */
  watch(statement: PromiseLike<unknown>): void;
}

/** Commits when `run` resolves before the signal is aborted, rolls back otherwise. */
export async function transact<T>(driver: Sql, { first, run, signal, onBegin }: Work<T>): Promise<T> {
  const end = new AbortController();
  const lost = Promise.withResolvers<never>();
  const state: State = {
    over: end.signal,
    late: signal,
    isSettled: false,
    watch: (statement) => {
      statement.then(undefined, (error: unknown) => {
        if (!isConnectionLost(error)) return;
        end.abort(OVER);
        lost.reject(error);
      });
    },
  };
  const body = (client: TransactionSql) =>
    unlessOver(state, async () => {
      onBegin();
      signal.throwIfAborted();
      const ahead = first?.(client);
      if (ahead !== undefined) state.watch(ahead);
      try {
        const [, result] = await Promise.all([ahead, run(toTransaction(client, state))]);
        signal.throwIfAborted();
        return { result };
      } finally {
        state.isSettled = true;
      }
    });
  try {
    return (await Promise.race([driver.begin(body), lost.promise])).result;
  } finally {
    end.abort(OVER);
  }
}

/**
 * Settles like `run`, but never once the transaction is over. The driver answers every end of a body with a COMMIT or a
 * ROLLBACK, on a lost connection too, and there the write to the missing socket is an uncaught exception.
 */
async function unlessOver<T>(state: State, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } finally {
    if (state.over.aborted) await new Promise(() => {});
  }
}

function toTransaction(client: TransactionSql, state: State): Transaction {
  const dialect = new PgDialect();
  const session = new PostgresJsSession(guard(client, state) as unknown as Sql, dialect, undefined);
  return new PostgresJsTransaction(dialect, session as never, undefined);
}

/**
 * Two repairs. Statements are prepared: the driver would ask for the types of the parameters first, one round trip more for
 * each statement. And statements after the end are refused: the driver would send them on the connection all the same, which
 * may then be in the transaction of somebody else.
 */
function guard(client: TransactionSql, state: State): TransactionSql {
  const { unsafe, savepoint } = client;
  return Object.assign(client, {
    unsafe: (...[text, parameters, options]: Parameters<typeof unsafe>) => {
      if (state.isSettled || state.over.aborted || state.late.aborted) {
        throw new AppError('DEPENDENCY_UNAVAILABLE', 'The database transaction is over');
      }
      const statement = unsafe(text, parameters, { ...options, prepare: true });
      state.watch(statement);
      return statement;
    },
    savepoint: <T>(run: (inner: TransactionSql) => Promise<T>) =>
      savepoint((inner) => unlessOver(state, () => run(guard(inner, state)))),
  });
}
