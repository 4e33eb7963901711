/** Fault points around real transactions: what each place leaves committed. */
import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { withTransactionFaults } from '../../../src/db/faulty-database.ts';
import { createFaults, type FaultPoint, parseFaults } from '../../../src/faults.ts';
import { createTestDatabase } from '../../support/database.ts';

test.each([
  { point: 'flush:before', stored: 0 },
  { point: 'flush:within', stored: 0 },
  { point: 'flush:after', stored: 1 },
] as const)('what fails at $point leaves $stored rows', async ({ point, stored }) => {
  await using db = await createTestDatabase();
  const { database } = db;
  const select = () => database.asWorker((tx) => tx.execute(sql`SELECT * FROM conversation`));
  const faulty = withTransactionFaults(
    database,
    createFaults(parseFaults(`${point}=throw`, 'development') ?? []),
  );
  const insert = () =>
    faulty.asWorker(
      (tx) => tx.execute(sql`INSERT INTO conversation (id, owner_id) VALUES (gen_random_uuid(), 'alice')`),
      'flush',
    );
  await expect(insert()).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
  expect(await select()).toHaveLength(stored);
  await insert();
  expect(await select()).toHaveLength(stored + 1);
});

test('every transaction passes its three points in order, under its name or as `other`', async () => {
  await using db = await createTestDatabase();
  const reached: FaultPoint[] = [];
  const reach = async (point: FaultPoint): Promise<void> => void reached.push(point);
  const database = withTransactionFaults(db.database, { reach });
  const viewer = { id: 'alice', name: 'Alice' } as never;
  expect(await database.asWorker(async () => 1, 'seal')).toBe(1);
  expect(await database.asViewer(viewer, async () => 2)).toBe(2);
  expect(reached).toEqual([
    ...['seal:before', 'seal:within', 'seal:after'],
    ...['other:before', 'other:within', 'other:after'],
  ]);
});
