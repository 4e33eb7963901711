/** P7 and P3 on two server processes, in a small form; the full one is `npm run bench -- --quotas`. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type Storm, startStorm } from '../../support/quota-storm.ts';

let db: TestDatabase;
let storm: Storm;

beforeAll(async () => {
  db = await createTestDatabase();
  storm = await startStorm({ databaseUrl: db.url, viewers: ['ada', 'bob'] });
});
afterAll(async () => {
  await storm[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

it('P7: of 80 spenders on a balance worth 20 questions 20 are accepted, though a node is killed among them', async () => {
  const result = await storm.spend({ viewer: 'ada', spenders: 80, worth: 20, killAfter: 2 });
  expect(result).toEqual({ accepted: 20, refused: 60, least: 0, reserved: 0, bookErrors: [] });
}, 300_000);

it('P3: a question that is asked 10 times at once is one turn, one call of the backend and one charge', async () => {
  const result = await storm.repeat({ viewer: 'bob', keys: 8, times: 10 });
  expect(result).toEqual({ turns: 8, upstreamCalls: 8, charges: 8 });
}, 300_000);
