/** A database for one test or one file: a clone of the migrated template, dropped at the end. */
import { inject } from 'vitest';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { createDatabase, dropDatabase } from './postgres.ts';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly database: Database;
}

/** `await using db = await createTestDatabase()` in a test, or made in beforeAll and disposed in afterAll. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const url = await createDatabase(inject('templateUrl'), { copy: true });
  const database = openDatabase({ url, poolSize: 5, hasRoles: true });
  return {
    url,
    database,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await dropDatabase(url);
    },
  };
}
