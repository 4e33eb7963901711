/** The database roles that transactions run as, and what they may do. What they see of a table is said in tables/policies.ts. */
import { readFile } from 'node:fs/promises';
import type { Sql } from 'postgres';
import { z } from 'zod';
import type { Log } from '../log.ts';
import { databaseCode } from './errors.ts';

/** Transactions for a viewer: the policies show it that viewer's rows alone. It cannot log in. */
export const APP_ROLE = 'millrace_app';
/** The server's own work on what belongs to viewers: events, ends of turns, jobs. It cannot log in. */
export const WORKER_ROLE = 'millrace_worker';

const ROLES = [APP_ROLE, WORKER_ROLE] as const;

/** What an administrator of the server has to run so that the roles can be used; empty when they can. */
export type MissingRoles = readonly string[];

/**
 * Makes the roles where they are missing and the login's membership in them, as far as the login may. Roles belong to the
 * whole server, so databases of one server share them, and another database's node may be doing the same.
 */
export async function prepareRoles(driver: Sql): Promise<MissingRoles> {
  const missing: string[] = [];
  for (const role of ROLES) {
    if (await canBecome(driver, role)) continue;
    await attempt(() => driver`CREATE ROLE ${driver(role)} NOLOGIN`);
    if (await canBecome(driver, role)) continue;
    await attempt(() => driver`GRANT ${driver(role)} TO CURRENT_USER`);
    if (!(await canBecome(driver, role))) missing.push(...(await toRemedy(driver, role)));
  }
  return missing;
}

/** Whether transactions can run in the roles; warns of the ones that are missing, a statement a line. */
export function hasAllRoles(missing: MissingRoles, log: Pick<Log, 'warn'>): boolean {
  if (missing.length === 0) return true;
  log.warn(
    'the login of the database may not make the roles that row-level security is for, so everything runs as the login: ' +
      'let an administrator run what follows, then restart',
  );
  for (const statement of missing) log.warn(statement);
  return false;
}

/** Whether it can be done is not to be read off the catalogue in the same way in every version: it is tried. */
async function canBecome(driver: Sql, role: string): Promise<boolean> {
  try {
    await driver.begin((tx) => tx`SELECT set_config('role', ${role}, true)`);
    return true;
  } catch (error) {
    if (REFUSED.has(databaseCode(error) ?? '')) return false;
    throw error;
  }
}

/** No permission; no such role. */
const REFUSED = new Set(['42501', '22023', '42704']);
/** The same, or another database's node was faster: exists already, twice in a catalogue, changed at the same time. */
const EXPECTED = new Set([...REFUSED, '42710', '23505', 'XX000', '0LP01']);

async function attempt(change: () => PromiseLike<unknown>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!EXPECTED.has(databaseCode(error) ?? '')) throw error;
  }
}

async function toRemedy(driver: Sql, role: string): Promise<readonly string[]> {
  const [known] = await driver`SELECT 1 FROM pg_roles WHERE rolname = ${role}`;
  const [login] = await driver<{ name: string }[]>`SELECT quote_ident(current_user) AS name`;
  const grant = `GRANT ${role} TO ${login?.name ?? 'CURRENT_USER'};`;
  return known ? [grant] : [`CREATE ROLE ${role} NOLOGIN;`, grant];
}

/** What stands in the latest snapshot of the migrations, as far as it matters here. */
const snapshotSchema = z.object({
  tables: z.record(z.string(), z.object({ name: z.string(), policies: z.record(z.string(), z.unknown()) })),
});
const journalSchema = z.object({ entries: z.array(z.object({ idx: z.number() })) });

interface Tables {
  readonly all: readonly string[];
  /** Those with policies. */
  readonly secured: readonly string[];
}

async function readTables(folder: string): Promise<Tables> {
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(`${folder}/meta/${name}.json`, 'utf8'));
  const { entries } = journalSchema.parse(await read('_journal'));
  const latest = String(entries.at(-1)?.idx ?? 0).padStart(4, '0');
  const tables = Object.values(snapshotSchema.parse(await read(`${latest}_snapshot`)).tables);
  const secured = tables.filter(({ policies }) => Object.keys(policies).length > 0);
  return { all: tables.map(({ name }) => name), secured: secured.map(({ name }) => name) };
}

/** Written to and never changed: what is in it can be relied on. */
const APPEND_ONLY: readonly string[] = ['audit_log'];

/**
 * Has the policies hold for the owner of the tables too, and gives the roles their rights on all tables that the migrations
 * in the folder have made. Changes nothing where nothing is missing. The roles must be there, unless `hasRoles` is false.
 */
export async function secureTables(
  driver: Sql,
  { folder, hasRoles }: { readonly folder: string; readonly hasRoles: boolean },
): Promise<void> {
  const { all, secured } = await readTables(folder);
  const unforced = await driver<{ name: string }[]>`
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
      AND relname IN ${driver([...secured])} AND NOT relforcerowsecurity`;
  for (const { name } of unforced) await driver`ALTER TABLE ${driver(name)} FORCE ROW LEVEL SECURITY`;
  if (!hasRoles) return;
  for (const role of ROLES) {
    await grantSchema(driver, role);
    const may = (privilege: string) =>
      driver`has_table_privilege(${role}, ('public.' || quote_ident(relname))::regclass, ${privilege})`;
    const ungranted = await driver<{ name: string }[]>`
      SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname IN ${driver([...all])} AND NOT (${may('INSERT')}
          AND (relname IN ${driver([...APPEND_ONLY])} OR (${may('SELECT')} AND ${may('UPDATE')} AND ${may('DELETE')})))`;
    for (const { name } of ungranted) {
      const rights = APPEND_ONLY.includes(name) ? 'INSERT' : 'SELECT, INSERT, UPDATE, DELETE';
      await driver`GRANT ${driver.unsafe(rights)} ON ${driver(name)} TO ${driver(role)}`;
    }
  }
}

/** Everybody may use the schema `public`, unless somebody has seen to it that they may not. */
async function grantSchema(driver: Sql, role: string): Promise<void> {
  const [schema] = await driver`SELECT has_schema_privilege(${role}, 'public', 'USAGE') AS usable`;
  if (schema?.usable === false) await driver`GRANT USAGE ON SCHEMA public TO ${driver(role)}`;
}
