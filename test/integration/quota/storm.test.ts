/** P7 and P3 on two server processes, in a small form; the full one is `npm run bench -- --quotas`. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QuotaSubject } from '../../../src/types/quota.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { startStorm } from '../../support/quota-storm.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());

async function spend(subject: QuotaSubject, viewers: readonly [string, ...string[]]) {
  await using storm = await startStorm({ databaseUrl: db.url, viewers, subject });
  return await storm.spend({ viewers, spenders: 80, worth: 20, killAfter: 2 });
}

it.each([
  { whose: 'of their own', subject: 'USER', viewers: ['ada'] },
  { whose: 'of all', subject: 'CLUSTER', viewers: ['bob', 'cleo', 'dan'] },
] as const)(
  'P7: of 80 spenders on a balance $whose that is worth 20 questions 20 are accepted, though a node is killed among them',
  async ({ subject, viewers }) => {
    const result = await spend(subject, viewers);
    expect(result).toEqual({ accepted: 20, refused: 60, least: 0, reserved: 0, bookErrors: [] });
  },
  300_000,
);

it('P3: a question that is asked 10 times at once is one turn, one call of the backend and one charge', async () => {
  await using storm = await startStorm({ databaseUrl: db.url, viewers: ['eve'], subject: 'USER' });
  const result = await storm.repeat({ viewer: 'eve', keys: 8, times: 10 });
  expect(result).toEqual({ turns: 8, upstreamCalls: 8, charges: 8 });
}, 300_000);
