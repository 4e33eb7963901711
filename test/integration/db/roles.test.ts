/** The roles of transactions on servers that let them be made, and on those that do not. */
import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../src/db/client.ts';
import { migrateDatabase } from '../../../src/db/migrate.ts';
import { hasAllRoles } from '../../../src/db/roles.ts';
import { createViewer } from '../../support/engine.ts';
import { createDatabase, startTestPostgres, type TestPostgres } from '../../support/postgres.ts';
import { insertTenantRows, listTenantTables } from '../../support/tenant-rows.ts';

const REMEDY = [
  'CREATE ROLE millrace_app NOLOGIN;',
  'GRANT millrace_app TO "plain login";',
  'CREATE ROLE millrace_worker NOLOGIN;',
  'GRANT millrace_worker TO "plain login";',
];
let server: TestPostgres;
let admin: Sql;
beforeAll(async () => {
  server = await startTestPostgres();
  admin = postgres(server.url, { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await admin.end();
  await server[Symbol.asyncDispose]();
});

/** A login that owns a new, empty database, and nothing else. */
async function createLogin(name: string, attributes = ''): Promise<string> {
  await admin.unsafe(`CREATE ROLE "${name}" LOGIN PASSWORD 'secret' ${attributes}`);
  const url = new URL(await createDatabase(server.url));
  await admin.unsafe(`ALTER DATABASE "${url.pathname.slice(1)}" OWNER TO "${name}"`);
  url.username = name;
  url.password = 'secret';
  return url.href;
}

async function roleOf(database: Database): Promise<readonly unknown[]> {
  const who = sql`SELECT current_user AS role`;
  const [viewer] = await database.asViewer(createViewer(), (tx) => tx.execute(who));
  const [worker] = await database.asWorker((tx) => tx.execute(who));
  return [viewer?.role, worker?.role];
}

describe('a login that may make no roles', () => {
  const ada = createViewer();
  const eve = createViewer();
  let url: string;
  beforeAll(async () => {
    url = await createLogin('plain login');
  });

  it('is told what an administrator has to run', async () => {
    const missing = await migrateDatabase(url);
    expect(missing).toEqual(REMEDY);
    const warnings: unknown[] = [];
    expect(hasAllRoles(missing, { warn: (line: unknown) => void warnings.push(line) })).toBe(false);
    expect(warnings.slice(1)).toEqual(REMEDY);
  });

  it('finds the same on the page for operators', () => {
    const page = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
    expect(page).toContain(REMEDY.join('\n').replaceAll('"plain login"', 'millrace'));
  });

  it('works without them, and the policies hold for whoever owns the tables', async () => {
    await using database = openDatabase({ url, poolSize: 2 });
    expect(await roleOf(database)).toEqual(['plain login', 'plain login']);
    await insertTenantRows(database.driver, ada.id);
    for (const table of await listTenantTables(database.driver)) {
      const all = sql`SELECT * FROM ${sql.identifier(table)}`;
      const deletion = sql`DELETE FROM ${sql.identifier(table)} RETURNING 1`;
      expect(await database.asViewer(eve, (tx) => tx.execute(all)), table).toHaveLength(0);
      expect(await database.asViewer(eve, (tx) => tx.execute(deletion)), table).toHaveLength(0);
      expect((await database.asWorker((tx) => tx.execute(all))).length, table).toBeGreaterThan(0);
    }
  });

  it('has the roles when that was run', async () => {
    for (const statement of await migrateDatabase(url)) await admin.unsafe(statement);
    expect(await migrateDatabase(url)).toEqual([]);
    await using database = openDatabase({ url, poolSize: 2, hasRoles: true });
    expect(await roleOf(database)).toEqual(['millrace_app', 'millrace_worker']);
    const all = sql`SELECT * FROM conversation`;
    expect(await database.asViewer(eve, (tx) => tx.execute(all))).toHaveLength(0);
    expect(await database.asViewer(ada, (tx) => tx.execute(all))).toHaveLength(1);
  });

  it('leaves a node of the version before working on the same database', async () => {
    // It knows no roles: the login owns the tables, and only a viewer's transactions set something.
    await using earlier = openDatabase({ url, poolSize: 2 });
    const rows = await insertTenantRows(earlier.driver, eve.id);
    const all = sql`SELECT id FROM turn WHERE owner_id = ${eve.id}`;
    expect(await earlier.asWorker((tx) => tx.execute(all))).toEqual([{ id: rows.turnId }]);
    expect(await earlier.asViewer(eve, (tx) => tx.execute(all))).toEqual([{ id: rows.turnId }]);
    await earlier.driver.begin(async (tx) => {
      await tx`SELECT set_config('millrace.viewer_id', ${eve.id}, true)`;
      await tx`UPDATE conversation SET deleted_at = now() WHERE id = ${rows.conversationId}`;
      await tx`DELETE FROM turn_chunk WHERE turn_id = ${rows.turnId}`;
    });
    expect(await earlier.driver`SELECT FROM turn_chunk WHERE turn_id = ${rows.turnId}`).toHaveLength(0);
  });

  it("is told of the membership alone where the roles are another login's", async () => {
    const other = await createLogin('second');
    expect(await migrateDatabase(other)).toEqual([
      'GRANT millrace_app TO second;',
      'GRANT millrace_worker TO second;',
    ]);
  });
});

it('a login that may make roles makes them and takes their membership', async () => {
  await using fresh = await startTestPostgres();
  const owner = postgres(fresh.url, { max: 1, onnotice: () => {} });
  try {
    await owner`CREATE ROLE maker LOGIN PASSWORD 'secret' CREATEROLE`;
    const url = new URL(await createDatabase(fresh.url));
    await owner.unsafe(`ALTER DATABASE "${url.pathname.slice(1)}" OWNER TO maker`);
    url.username = 'maker';
    url.password = 'secret';
    expect(await migrateDatabase(url.href)).toEqual([]);
    expect(await migrateDatabase(url.href)).toEqual([]);
    await using database = openDatabase({ url: url.href, poolSize: 2, hasRoles: true });
    expect(await roleOf(database)).toEqual(['millrace_app', 'millrace_worker']);
  } finally {
    await owner.end();
  }
});

it('databases of one server that are made at once share the roles, and none of them fails', async () => {
  await using fresh = await startTestPostgres();
  const urls = await Promise.all(Array.from({ length: 6 }, () => createDatabase(fresh.url)));
  expect(await Promise.all(urls.map((url) => migrateDatabase(url)))).toEqual(urls.map(() => []));
});
