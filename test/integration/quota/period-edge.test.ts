/** Many who ask on two nodes while a period ends: the balance of the next one is made once, and spent once. */
import { expect, it } from 'vitest';
import { isAppError } from '../../../src/errors.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { startClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { stream, textResponse } from '../../support/fake-backend-script.ts';
import { findBookErrors, toLimiter } from '../../support/quotas.ts';

const ASKERS = 24;
/** Questions that the balance of a period is worth, exactly. */
const WORTH = 5;
const QUERY = 'May I?';
const NEVER = new AbortController().signal;

function startNode(db: TestDatabase, fake: FakeBackend, initialQuota: number): Promise<TestEngine> {
  const limiters = [toLimiter('daily', { initialQuota })];
  const backends = [{ id: 'fake', baseUrl: fake.url, maxOutputTokens: 256 }];
  return startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: { backends, quotas: { limiters } },
  });
}

async function ask({ engine }: TestEngine, viewer: Viewer): Promise<void> {
  const { turn } = await engine.start(viewer, { query: QUERY });
  await engine.wait(viewer, turn.id, 10_000);
}

/** What a question sets aside. */
async function measure(db: TestDatabase, fake: FakeBackend): Promise<number> {
  await using node = await startNode(db, fake, 100_000);
  await ask(node, createViewer());
  const [row] = await db.database.driver<{ amount: number }[]>`
    SELECT amount::float8 FROM quota_ledger WHERE kind = 'RESERVE'`;
  return row?.amount ?? 0;
}

it('an exhausted balance is refilled once at the end of its period, and what it is worth is accepted, no more', async () => {
  await using db = await createTestDatabase();
  const clock = await startClock(db.url);
  await using fake = await startFakeBackend();
  const cost = await measure(db, fake);
  // What is charged is what was set aside: whoever comes first or last, the balance ends at nothing.
  fake.onResponse = () =>
    stream(textResponse('Yes.', { usage: { inputTokens: cost - 56, outputTokens: 56 } }));
  await using one = await startNode(db, fake, WORTH * cost);
  await using two = await startNode(db, fake, WORTH * cost);
  const viewer = createViewer();
  for (let index = 0; index < WORTH; index += 1) await ask(one, viewer);

  let hasEnded = false;
  let refusedBefore = 0;
  const { promise: allAsk, resolve: tellAllAsk } = Promise.withResolvers<void>();
  /** Asks until the question is accepted, or refused in the period that has begun. */
  const insist = async (node: TestEngine): Promise<boolean> => {
    for (;;) {
      const isLast = hasEnded;
      try {
        await ask(node, viewer);
        return true;
      } catch (error) {
        if (!isAppError(error, 'QUOTA_EXCEEDED')) throw error;
        if (isLast) return false;
        refusedBefore += 1;
        if (refusedBefore >= ASKERS) tellAllAsk();
      }
    }
  };
  const askers = Array.from({ length: ASKERS }, (_, index) => insist(index % 2 === 0 ? one : two));
  await allAsk;
  await clock.advance('1 day');
  hasEnded = true;
  const others = [one, two].flatMap(({ quotas }) => [quotas.refillAll(NEVER), quotas.list(viewer)]);
  const accepted = (await Promise.all(askers)).filter((isAccepted) => isAccepted);
  await Promise.all(others);

  expect(accepted).toHaveLength(WORTH);
  const [books] = await db.database.driver`
    SELECT count(*) FILTER (WHERE kind = 'REFILL')::int AS refills, min(sum)::int AS least,
      count(DISTINCT period_start)::int AS periods, count(*) FILTER (WHERE kind = 'SETTLE')::int AS settled
    FROM (SELECT kind, period_start, sum(change) OVER (ORDER BY id) FROM quota_ledger WHERE owner_id = ${viewer.id})`;
  // The first is what the balance was opened with.
  expect(books).toEqual({ refills: 2, periods: 2, least: 0, settled: 2 * WORTH });
  expect(await one.quotas.list(viewer)).toMatchObject([{ available: 0, reserved: 0, overrun: 0 }]);
  expect(await findBookErrors(db.database)).toEqual([]);
});
