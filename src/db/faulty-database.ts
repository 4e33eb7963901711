/** A database with fault points around each of its transactions. Only a process that a test makes fail has one. */
import type { Faults, TransactionName } from '../faults.ts';
import type { Database } from './client.ts';

export function withTransactionFaults(database: Database, faults: Faults): Database {
  type Run<Tx, T> = (tx: Tx) => Promise<T>;
  /** Puts the point before COMMIT into the work, and the others around the transaction. */
  const around = async <Tx, T>(
    name: TransactionName,
    run: Run<Tx, T>,
    transact: (run: Run<Tx, T>) => Promise<T>,
  ): Promise<T> => {
    await faults.reach(`${name}:before`);
    const result = await transact(async (tx) => {
      const value = await run(tx);
      await faults.reach(`${name}:within`);
      return value;
    });
    await faults.reach(`${name}:after`);
    return result;
  };
  return {
    get driver() {
      return database.driver;
    },
    ping: () => database.ping(),
    notify: (channel, payload) => database.notify(channel, payload),
    asViewer: (viewer, run, options = {}) =>
      around(options.name ?? 'other', run, (inner) => database.asViewer(viewer, inner, options)),
    asWorker: (run, name = 'other') => around(name, run, (inner) => database.asWorker(inner, name)),
    keeper: {
      asWorker: (run, name = 'other') => around(name, run, (inner) => database.keeper.asWorker(inner, name)),
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
