/** The database of a command that runs without a server. */
import type { Config } from '../config/config.ts';
import { type Database, openDatabase } from '../db/client.ts';
import { joinEmbeddedPostgres, startEmbeddedPostgres } from '../db/embedded.ts';
import { migrateDatabase } from '../db/migrate.ts';
import { hasAllRoles } from '../db/roles.ts';
import { createLog } from '../log.ts';

/**
 * Does the work on the configured database, brought up to date. The built-in Postgres is started for it and stopped after
 * it, unless a server of this data directory runs: then the work is done beside it. Throws DEPENDENCY_UNAVAILABLE.
 */
export async function withDatabase<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  await using resources = new AsyncDisposableStack();
  const { url = await startBuiltIn(config, resources), directUrl = url, poolSize } = config.database;
  const hasRoles = hasAllRoles(await migrateDatabase(directUrl), createLog(config.logLevel));
  return await work(resources.use(openDatabase({ url, poolSize, hasRoles })));
}

async function startBuiltIn({ dataDir, logLevel }: Config, resources: AsyncDisposableStack): Promise<string> {
  const options = { dataDir, log: createLog(logLevel) };
  const postgres = (await joinEmbeddedPostgres(options)) ?? (await startEmbeddedPostgres(options));
  return resources.use(postgres).url;
}
