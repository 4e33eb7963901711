/** The connections of the job queue: what pg-boss asks of a driver, over ours. Jobs are put into the queue in the caller's own transaction instead. */
import type { Db } from 'pg-boss';
import postgres, { type Sql } from 'postgres';
import { isConnectionLost } from '../db/errors.ts';
import type { Listener } from '../db/listener.ts';
import { createReplaceable } from '../db/replaceable.ts';
import { AppError } from '../errors.ts';

export interface JobDatabase extends Db, AsyncDisposable {}

const POOL_SIZE = 2;
/** Longest wait in milliseconds for a statement's answer; scripts bring limits of their own. */
const DEADLINE_MS = 30_000;
/** Several statements with a transaction of their own. */
const SCRIPT = /^\s*BEGIN\b/i;

/** Text arrays and UUID arrays as Postgres writes them: the library sends no others. */
const ARRAY_TYPES: readonly number[] = [1009, 2951];

/** Opens no connection before the first statement. The listener stays the caller's to dispose. */
export function openJobDatabase(url: string, listener: Listener): JobDatabase {
  const pools = createReplaceable(() => ({ driver: openDriver(url, POOL_SIZE) }), DEADLINE_MS);
  const runStatement = async (text: string, values: readonly unknown[] | undefined) => {
    const used = pools.current;
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new AppError('DEPENDENCY_UNAVAILABLE', 'The database did not answer in time'));
      pools.drop(used);
    }, DEADLINE_MS);
    try {
      const rows = used.driver.unsafe(text, values as postgres.ParameterOrJSON<never>[]);
      return await Promise.race([rows, expired]);
    } catch (error) {
      if (isConnectionLost(error)) pools.retire(used);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  /** On a connection that is closed afterwards: a script that fails half way leaves its transaction behind. */
  const runScript = async (text: string) => {
    const driver = openDriver(url, 1);
    try {
      return await driver.unsafe(text);
    } finally {
      await driver.end({ timeout: 0 });
    }
  };
  return {
    executeSql: async (text, values) => ({
      rows: toRows(await (SCRIPT.test(text) ? runScript(text) : runStatement(text, values))),
    }),
    listen: async (channel, onMessage, onConnect) => {
      const listening = listener.listen(channel, { onMessage, onConnect });
      return { close: async () => listening[Symbol.dispose]() };
    },
    [Symbol.asyncDispose]: () => pools[Symbol.asyncDispose](),
  };
}

/** Several statements give a list of results. */
function toRows(result: readonly unknown[]): unknown[] {
  return result.some(Array.isArray) ? result.flat() : [...result];
}

/** Nothing is looked up on connecting: what fails there has nobody to catch it (see db/array-types.ts). */
function openDriver(url: string, max: number): Sql {
  const toArrayText = (value: unknown): unknown =>
    Array.isArray(value) ? `{${value.map((item) => JSON.stringify(String(item))).join(',')}}` : value;
  const arrays = ARRAY_TYPES.map((oid) => [
    `array${oid}`,
    { to: oid, from: [oid], serialize: toArrayText, parse: (text: string) => text },
  ]);
  return postgres(url, {
    max,
    connect_timeout: 5,
    idle_timeout: 60,
    max_lifetime: 60 * 60,
    onnotice: () => {},
    fetch_types: false,
    types: {
      ...Object.fromEntries(arrays),
      // What is sent as JSON is already written as such.
      json: { to: 114, from: [114, 3802], serialize: toJsonText, parse: JSON.parse },
      jsonb: { to: 3802, from: [], serialize: toJsonText, parse: JSON.parse },
    },
    connection: { application_name: 'millrace-jobs' },
  });
}

function toJsonText(value: unknown): unknown {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
