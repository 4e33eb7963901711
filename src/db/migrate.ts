/** Brings the tables of a database up to date. What the tables are lives in tables/, the steps in migrations/. */
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { AppError } from '../errors.ts';
import { databaseCode, isUnreachable } from './errors.ts';

const FOLDER = fileURLToPath(new URL('migrations', import.meta.url));

/** Any number, as long as every version of Millrace has the same. */
const LOCK_KEY = 7_174_083_202;

/**
 * Applies every migration that the database has not had. Idempotent, and safe when several nodes start at once: they take
 * turns by an advisory lock. Throws DEPENDENCY_UNAVAILABLE when the database cannot be reached.
 */
export async function migrateDatabase(url: string): Promise<void> {
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
  try {
    await driver`SELECT pg_advisory_lock(${LOCK_KEY})`;
    await migrate(drizzle(driver), { migrationsFolder: FOLDER });
  } catch (error) {
    throw toOpeningError(error);
  } finally {
    await driver.end({ timeout: 5 });
  }
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
