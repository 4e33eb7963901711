/** P10 behind the queries: what Postgres shows to whom when a query forgets to name the owner. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type ViewerTx } from '../../../src/db/client.ts';
import { newId } from '../../../src/lib/ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createViewer } from '../../support/engine.ts';
import {
  insertTenantRows,
  listTables,
  listTenantTables,
  SHARED_TABLES,
  type TenantRows,
} from '../../support/tenant-rows.ts';

const ada = createViewer();
const eve = createViewer();
const DENIED = { cause: { code: '42501' } };
let db: TestDatabase;
let tables: readonly string[];
let ofAda: TenantRows;

beforeAll(async () => {
  db = await createTestDatabase();
  tables = await listTenantTables(db.database.driver);
  ofAda = await insertTenantRows(db.database.driver, ada.id);
});
afterAll(() => db[Symbol.asyncDispose]());

const asEve = <T>(run: (tx: ViewerTx) => Promise<T>) => db.database.asViewer(eve, run);

describe('every table', () => {
  it('forces its policies on its owner too, or is on the list of those that are shared', async () => {
    const all = await listTables(db.database.driver);
    expect(all.length).toBeGreaterThan(10);
    const open = all.filter(({ secured, forced, policies }) => !(secured && forced && policies > 0));
    expect(open.map(({ name }) => name)).toEqual(Object.keys(SHARED_TABLES).toSorted());
  });

  it('has a row of the viewer to try it with', async () => {
    for (const table of tables) {
      const rows = await db.database.driver`SELECT FROM ${db.database.driver(table)}`;
      expect(rows.length, table).toBeGreaterThan(0);
    }
  });
});

/** Without any condition: what a query is that forgot its owner. */
async function countFound(tx: ViewerTx, table: string): Promise<number> {
  const name = sql.identifier(table);
  const [{ column } = { column: '' }] = await tx.execute<{ column: string }>(
    sql`SELECT attname AS column FROM pg_attribute WHERE attrelid = ${table}::regclass AND attnum > 0 AND attidentity = '' LIMIT 1`,
  );
  const first = sql.identifier(column);
  const read = await tx.execute(sql`SELECT * FROM ${name}`);
  if (table === 'audit_log') return read.length;
  const locked = await tx.execute(sql`SELECT * FROM ${name} FOR UPDATE`);
  const changed = await tx.execute(sql`UPDATE ${name} SET ${first} = ${first} RETURNING 1`);
  const deleted = await tx.execute(sql`DELETE FROM ${name} RETURNING 1`);
  return read.length + locked.length + changed.length + deleted.length;
}

describe('P10: a query without its owner', () => {
  it('finds, changes and deletes nothing of another viewer, in any table', async () => {
    for (const table of tables.filter((name) => name !== 'audit_log')) {
      expect(await asEve((tx) => countFound(tx, table)), table).toBe(0);
    }
  });

  it("finds what is the viewer's own: the policies do not simply refuse", async () => {
    const rollback = new Error('only to look');
    for (const table of tables.filter((name) => name !== 'audit_log')) {
      let found = 0;
      const look = db.database.asViewer(ada, async (tx) => {
        found = await countFound(tx, table);
        throw rollback;
      });
      await expect(look).rejects.toBe(rollback);
      expect(found, table).toBeGreaterThanOrEqual(3);
    }
  });

  it.each([['null'], ["''"]])('finds nothing when the viewer is %s', async (value) => {
    for (const table of tables.filter((name) => name !== 'audit_log')) {
      const found = asEve(async (tx) => {
        await tx.execute(sql`SELECT set_config('millrace.viewer_id', ${sql.raw(value)}, true)`);
        // Whatever else is set: without a viewer nobody uses an action.
        await tx.execute(sql`SELECT set_config('millrace.others', 'on', true)`);
        return countFound(tx, table);
      });
      expect(await found, table).toBe(0);
    }
  });

  it('does not read the audit log, not even its own', async () => {
    await expect(
      db.database.asViewer(ada, (tx) => tx.execute(sql`SELECT * FROM audit_log`)),
    ).rejects.toMatchObject(DENIED);
  });

  it('sees everything in a transaction of the server, but for the audit log, which it only writes', async () => {
    for (const table of tables.filter((name) => name !== 'audit_log')) {
      const rows = await db.database.asWorker((tx) =>
        tx.execute(sql`SELECT * FROM ${sql.identifier(table)}`),
      );
      expect(rows.length, table).toBeGreaterThan(0);
    }
  });
});

describe("a row in another's name", () => {
  const insertions = {
    conversation: () => sql`INSERT INTO conversation (id, owner_id) VALUES (${newId()}, ${ada.id})`,
    'turn of another':
      () => sql`INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model)
      VALUES (${newId()}, ${ada.id}, ${ofAda.conversationId}, 'f', '{}', 'RUNNING', 'q', 'p', 'm')`,
    "one's own turn in another's conversation":
      () => sql`INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model)
      VALUES (${newId()}, ${eve.id}, ${ofAda.conversationId}, 'f', '{}', 'RUNNING', 'q', 'p', 'm')`,
    event: () => sql`INSERT INTO turn_event_batch VALUES (${ofAda.turnId}, 9, 9, 1, '[]')`,
    attachment: () => sql`INSERT INTO turn_attachment VALUES (${ofAda.turnId}, 9, 'log', 'text/plain', 'x')`,
    feedback: () => sql`INSERT INTO feedback (id, owner_id, conversation_id, question, answer, categories)
      VALUES (${newId()}, ${ada.id}, ${ofAda.conversationId}, 'q', 'a', '{}')`,
    upload: () =>
      sql`INSERT INTO upload (id, owner_id, content_type, bytes, byte_size) VALUES (${newId()}, ${ada.id}, 'text/plain', 'x', 1)`,
    usage: () => sql`INSERT INTO token_usage VALUES (${ada.id}, 'a', 'b', 'TURN', current_date, 1, 1)`,
    'witness in the audit log': () =>
      sql`INSERT INTO audit_log (actor_id, action) VALUES (${ada.id}, 'ADMIN')`,
  };
  it.each(Object.entries(insertions))('is refused: %s', async (_what, statement) => {
    await expect(asEve((tx) => tx.execute(statement()))).rejects.toMatchObject(DENIED);
  });

  it('is refused with an action on what is of others, too', async () => {
    const inTheName = db.database.asViewer(eve, (tx) => tx.execute(insertions.conversation()), {
      reach: 'EVERYONE',
    });
    await expect(inTheName).rejects.toMatchObject(DENIED);
  });

  it.each(['UPDATE audit_log SET action = action', 'DELETE FROM audit_log', 'TRUNCATE audit_log'])(
    'and the audit log is only added to: %s',
    async (statement) => {
      const change = db.database.asWorker((tx) => tx.execute(sql.raw(statement)));
      await expect(change).rejects.toMatchObject(DENIED);
    },
  );
});

describe('the roles', () => {
  it('own nothing, cannot log in, and are not exempt', async () => {
    const roles = await db.database.driver`SELECT rolname, rolsuper, rolcanlogin, rolbypassrls, rolcreaterole,
      (SELECT count(*)::int FROM pg_class WHERE relowner = pg_roles.oid) AS owned
      FROM pg_roles WHERE rolname LIKE 'millrace\\_%' ORDER BY rolname`;
    const weak = { rolsuper: false, rolcanlogin: false, rolbypassrls: false, rolcreaterole: false, owned: 0 };
    expect([...roles]).toEqual([
      { rolname: 'millrace_app', ...weak },
      { rolname: 'millrace_worker', ...weak },
    ]);
  });

  it.each(['asViewer', 'asWorker'] as const)(
    '%s has no way to the jobs and what they are told',
    async (who) => {
      await db.database.driver`CREATE SCHEMA IF NOT EXISTS pgboss`;
      await db.database.driver`CREATE TABLE IF NOT EXISTS pgboss.job (data jsonb)`;
      const read = () => sql`SELECT * FROM pgboss.job`;
      const attempt =
        who === 'asViewer'
          ? asEve((tx) => tx.execute(read()))
          : db.database.asWorker((tx) => tx.execute(read()));
      await expect(attempt).rejects.toMatchObject(DENIED);
    },
  );
});

describe('one connection for two viewers', () => {
  it.each([
    ['threw', (tx: ViewerTx) => tx.execute(sql`SELECT 1`).then(() => Promise.reject(new Error('mine')))],
    ['failed in Postgres', (tx: ViewerTx) => tx.execute(sql`SELECT 1 / 0`)],
    ['was committed', (tx: ViewerTx) => tx.execute(sql`SELECT 1`)],
  ])('has nothing left of the first when its transaction %s', async (_how, run) => {
    await using single = openDatabase({ url: db.url, poolSize: 1, hasRoles: true });
    const state = sql`SELECT pg_backend_pid() AS pid, current_user AS role,
      current_setting('millrace.viewer_id', true) AS viewer, current_setting('millrace.others', true) AS others`;
    const first = await single.asViewer(ada, (tx) => tx.execute(state), { reach: 'EVERYONE' });
    await single.asViewer(ada, run, { reach: 'EVERYONE' }).catch(() => undefined);
    const [between] = await single.driver`SELECT pg_backend_pid() AS pid, current_setting('role') AS role,
      current_setting('millrace.viewer_id', true) AS viewer, current_setting('millrace.others', true) AS others`;
    expect(between).toEqual({ pid: first[0]?.pid, role: 'none', viewer: '', others: '' });
    const [next] = await single.asViewer(eve, (tx) => tx.execute(state));
    expect(next).toEqual({ pid: first[0]?.pid, role: 'millrace_app', viewer: eve.id, others: '' });
    for (const table of tables.filter((name) => name !== 'audit_log')) {
      expect(await single.asViewer(eve, (tx) => countFound(tx, table)), table).toBe(0);
    }
  });
});
