/** Brings the tables of a database up to date. What the tables are lives in tables/, the steps in migrations/. */
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres, { type Sql } from 'postgres';
import { AppError } from '../errors.ts';
import { delay } from '../lib/abort.ts';
import { databaseCode, isUnreachable } from './errors.ts';
import { type MissingRoles, prepareRoles, secureTables } from './roles.ts';

const FOLDER = fileURLToPath(new URL('migrations', import.meta.url));

/** Any number, as long as every version of Millrace has the same. */
const LOCK_KEY = 7_174_083_202;

export interface MigrateOptions {
  /** Waits before the next look whether another node is done; throws when there is no time left. */
  pause?(reason: string): Promise<void>;
  /** Aborted when nobody waits for it any more: what is under way is rolled back. */
  readonly signal?: AbortSignal;
}

/** Between two looks whether another node is done. */
const LOOK_MS = 100;

/**
 * Applies every migration that the database has not had. Idempotent, and safe when several nodes start at once: they take
 * turns by an advisory lock. Makes the roles of transactions, if it may: where the result is not empty, it may not, and
 * transactions are to run as the login. Throws DEPENDENCY_UNAVAILABLE when the database cannot be reached.
 */
export async function migrateDatabase(url: string, options: MigrateOptions = {}): Promise<MissingRoles> {
  const { signal, pause = () => delay(LOOK_MS) } = options;
  // One connection, which is never renewed: the lock belongs to it. No statement timeout: a migration takes as long as it takes.
  const driver = postgres(url, {
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 10,
    onnotice: () => {},
    fetch_types: false,
    connection: { application_name: 'millrace-migrate' },
  });
  const cut = (): void => void driver.end({ timeout: 0 });
  signal?.addEventListener('abort', cut, { once: true });
  try {
    while (!(await tryLock(driver))) await pause('waiting for another node that migrates the database');
    await migrate(drizzle(driver), { migrationsFolder: FOLDER });
    const missing = await prepareRoles(driver);
    await secureTables(driver, { folder: FOLDER, hasRoles: missing.length === 0 });
    return missing;
  } catch (error) {
    throw toOpeningError(error);
  } finally {
    signal?.removeEventListener('abort', cut);
    await driver.end({ timeout: 5 });
  }
}

/** Asked for again and again: a statement that waits for the lock could not say that it does. */
async function tryLock(driver: Sql): Promise<boolean> {
  const [row] = await driver<{ held: boolean }[]>`SELECT pg_try_advisory_lock(${LOCK_KEY}) AS held`;
  return row?.held === true;
}

/** Wrong credentials, no permission to connect, no such database. */
const REFUSED = new Set(['28P01', '28000', '42501', '3D000']);

/** What is wrong with the URL or the server it names is the operator's to mend; everything else is passed on. */
function toOpeningError(error: unknown): unknown {
  if (!isUnreachable(error) && !REFUSED.has(databaseCode(error) ?? '')) return error;
  return new AppError(
    'DEPENDENCY_UNAVAILABLE',
    'Unable to open the database; check DATABASE_URL and the server it names',
    {
      cause: error,
    },
  );
}
