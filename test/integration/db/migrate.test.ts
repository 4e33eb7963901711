/** Migrations on a real, empty database. */
import { is } from 'drizzle-orm';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { expect, inject, test } from 'vitest';
import { migrateDatabase } from '../../../src/db/migrate.ts';
import * as conversations from '../../../src/db/tables/conversations.ts';
import * as documents from '../../../src/db/tables/documents.ts';
import * as events from '../../../src/db/tables/events.ts';
import { createTestDatabase } from '../../support/database.ts';
import { createDatabase, dropDatabase } from '../../support/postgres.ts';

async function createEmptyDatabase() {
  const url = await createDatabase(inject('templateUrl'));
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  return {
    url,
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end();
      await dropDatabase(url);
    },
  };
}

test('nodes that start at once migrate once, and starting again changes nothing', async () => {
  await using db = await createEmptyDatabase();
  await Promise.all([1, 2, 3, 4].map(() => migrateDatabase(db.url)));
  const applied = () => db.sql`SELECT hash FROM drizzle.__drizzle_migrations ORDER BY id`;
  const first = await applied();
  expect(new Set(first.map(({ hash }) => hash)).size).toBe(first.length);
  expect(first.length).toBeGreaterThan(0);
  await migrateDatabase(db.url);
  expect(await applied()).toEqual(first);
});

test('another node that migrates is waited for, as patiently as the caller wants', async () => {
  await using db = await createEmptyDatabase();
  const holder = await db.sql.reserve();
  await holder`SELECT pg_advisory_lock(7174083202)`;
  const reasons: string[] = [];
  const pause = async (reason: string): Promise<void> => {
    reasons.push(reason);
    if (reasons.length < 2) return;
    await holder`SELECT pg_advisory_unlock(7174083202)`;
    holder.release();
  };
  await migrateDatabase(db.url, { pause });
  expect(reasons).toEqual(Array(2).fill('waiting for another node that migrates the database'));
});

test('a migration that nobody waits for any more gives its connection back', async () => {
  await using db = await createEmptyDatabase();
  const holder = await db.sql.reserve();
  const stopping = new AbortController();
  const pause = async (): Promise<void> => stopping.abort();
  await holder`SELECT pg_advisory_lock(7174083202)`;
  await expect(migrateDatabase(db.url, { pause, signal: stopping.signal })).rejects.toBeDefined();
  holder.release();
  const connected = () =>
    db.sql`SELECT 1 FROM pg_stat_activity WHERE application_name = 'millrace-migrate' AND datname = current_database()`;
  await expect.poll(connected).toEqual([]);
});

test('every column that the tables declare is there after migrating', async () => {
  await using db = await createTestDatabase();
  const tables = [conversations, documents, events]
    .flatMap((module) => Object.values(module))
    .filter((each) => is(each, PgTable));
  expect(tables.length).toBeGreaterThan(5);
  for (const table of tables) {
    const { name, columns } = getTableConfig(table);
    const rows = await db.database.asWorker((tx) => tx.select().from(table).limit(1));
    expect(rows, `${name} with ${columns.length} columns`).toEqual([]);
  }
});

test('a database that cannot be reached is DEPENDENCY_UNAVAILABLE', async () => {
  await expect(migrateDatabase('postgres://nobody@127.0.0.1:1/none')).rejects.toMatchObject({
    code: 'DEPENDENCY_UNAVAILABLE',
  });
});
