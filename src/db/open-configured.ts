/** Opens the database that the configuration names, or the built-in one, and brings its tables up to date. */
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Faults } from '../faults.ts';
import type { Log } from '../log.ts';
import type { StartupSummary } from '../types/app.ts';
import { type Database, openDatabase } from './client.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { withTransactionFaults } from './faulty-database.ts';
import { migrateDatabase } from './migrate.ts';
import type { Patience } from './patience.ts';
import { hasAllRoles } from './roles.ts';

export interface OpenedDatabase {
  readonly database: Database;
  /** Leads to Postgres itself, not to a pooler. */
  readonly directUrl: string;
  readonly place: StartupSummary['database'];
}

export interface OpeningDeps {
  readonly config: Pick<Config, 'database' | 'dataDir'>;
  readonly log: Log;
  /** Gets what is to be closed at the end. */
  readonly resources: AsyncDisposableStack;
  /** What a test makes fail here. */
  readonly faults: Faults | undefined;
  readonly patience: Patience;
  /** Aborted when nobody waits for the start any more. */
  readonly signal: AbortSignal;
}

/** Waits for a database that cannot be reached yet. Throws DEPENDENCY_UNAVAILABLE when there is no such database. */
export async function openConfiguredDatabase(deps: OpeningDeps): Promise<OpenedDatabase> {
  const { database: settings } = deps.config;
  const { url, place } =
    settings.url === undefined
      ? await startBuiltIn(deps)
      : { url: settings.url, place: 'DATABASE_URL' as const };
  const directUrl = settings.directUrl ?? url;
  const { patience, signal } = deps;
  const missing = await patience.attempt(() => migrateDatabase(directUrl, { signal, pause: patience.pause }));
  const hasRoles = hasAllRoles(missing, deps.log);
  const database = deps.resources.use(openDatabase({ url, poolSize: settings.poolSize, hasRoles }));
  const { faults } = deps;
  return { database: faults ? withTransactionFaults(database, faults) : database, directUrl, place };
}

async function startBuiltIn({ config, log, resources }: OpeningDeps) {
  const { dataDir } = config;
  const { url, folder } = resources.use(await startEmbeddedPostgres({ dataDir, log }));
  // Behind a link, what is to be backed up is elsewhere.
  const shown = dirname(folder) === dataDir ? dataDir : folder;
  return { url, place: `built-in (${shown})` as const };
}
