/** Periods by the database's clock, which the tests set forward: each window is right, and each refill happens once. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addIntervals, parseInterval } from '../../../src/lib/interval.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { type Clock, startClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { findBookErrors, toLimiter } from '../../support/quotas.ts';

const COST = 350;
const events = textResponse('Yes.', { usage: { inputTokens: 50, outputTokens: COST - 50 } });
const NEVER = new AbortController().signal;

let db: TestDatabase;
let clock: Clock;
let fake: FakeBackend;
let node: TestEngine;

beforeEach(async () => {
  db = await createTestDatabase();
  clock = await startClock(db.url);
  fake = await startFakeBackend({ onResponse: () => stream(events) });
  node = await startNode();
});
afterEach(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

function startNode(): Promise<TestEngine> {
  const limiters = [
    toLimiter('daily', { initialQuota: 2 * COST }),
    toLimiter('monthly', { initialQuota: 4 * COST + 100, period: '1 month' }),
    toLimiter('saved', { initialQuota: 0, quotaIncrease: 1_000, period: '12 hours' }),
    toLimiter('shared', { kind: 'CLUSTER', initialQuota: 100_000, quotaIncrease: 500, period: '1 week' }),
  ];
  const backends = [{ id: 'fake', baseUrl: fake.url, maxOutputTokens: 256 }];
  return startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: { backends, quotas: { limiters } },
  });
}

async function ask(viewer: Viewer): Promise<void> {
  const { turn } = await node.engine.start(viewer, { query: 'May I?' });
  await node.engine.wait(viewer, turn.id, 10_000);
}

/** What is available, by limiter. */
async function read(viewer: Viewer): Promise<Readonly<Record<string, number>>> {
  const quotas = await node.quotas.list(viewer);
  return Object.fromEntries(quotas.map(({ limiter, available }) => [limiter, available]));
}

async function readResetAt(viewer: Viewer, limiter: string): Promise<Date | undefined> {
  return (await node.quotas.list(viewer)).find((quota) => quota.limiter === limiter)?.resetAt;
}

describe('limiters side by side', () => {
  it('each have their own window, and the one that refuses says when it ends', async () => {
    const viewer = createViewer();
    await node.quotas.open(viewer);
    const savedAt = await readResetAt(viewer, 'saved');
    const explanation = `User ${viewer.id} has no available tokens`;
    await expect(ask(viewer)).rejects.toMatchObject({ details: { explanation, resetAt: savedAt } });
    await clock.advance('12 hours 1 minute');
    await ask(viewer);
    await ask(viewer);
    expect(await read(viewer)).toMatchObject({ daily: 0, monthly: 2 * COST + 100, saved: 1_000 - 2 * COST });
    const dailyAt = await readResetAt(viewer, 'daily');
    await expect(ask(viewer)).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      message: 'The quota has been exceeded',
      details: { explanation, resetAt: dailyAt },
    });
    await clock.advance('12 hours');
    expect(await read(viewer)).toMatchObject({ daily: 2 * COST, saved: 2_000 - 2 * COST });
    await ask(viewer);
    await ask(viewer);
    await clock.advance('1 day');
    const refusal = {
      explanation: expect.stringMatching(/ has 100 tokens, but \d{3} tokens are needed$/) as string,
    };
    const monthlyAt = await readResetAt(viewer, 'monthly');
    await expect(ask(viewer)).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { ...refusal, resetAt: monthlyAt },
    });
    const other = createViewer();
    await node.quotas.open(other);
    await clock.advance('12 hours');
    await ask(other);
    await clock.advance('1 month');
    await ask(viewer);
    expect(await read(viewer)).toMatchObject({
      daily: COST,
      monthly: 3 * COST + 100,
      shared: 100_500 - COST,
    });
    expect(await findBookErrors(db.database)).toEqual([]);
  });
});

describe('a refill', () => {
  it('happens once for each period, whoever comes first: the job on two nodes, readers, questions', async () => {
    const viewers = [createViewer(), createViewer(), createViewer()];
    for (const viewer of viewers) await node.quotas.open(viewer);
    await using other = await startNode();
    await clock.advance('3 days');
    await Promise.all([
      ...[node, other, node, other].map(({ quotas }) => quotas.refillAll(NEVER)),
      ...viewers.flatMap((viewer) => [read(viewer), ask(viewer), other.quotas.list(viewer)]),
    ]);
    await node.quotas.refillAll(NEVER);
    const rows = await db.database.driver`
      SELECT limiter, count(*)::int AS refills, count(DISTINCT (owner_id, period_start))::int AS periods
      FROM quota_ledger WHERE kind = 'REFILL' GROUP BY limiter ORDER BY limiter`;
    expect([...rows]).toEqual([
      { limiter: 'daily', refills: 6, periods: 6 },
      { limiter: 'monthly', refills: 3, periods: 3 },
      { limiter: 'saved', refills: 6, periods: 6 },
      { limiter: 'shared', refills: 1, periods: 1 },
    ]);
    expect(await read(viewers[0] as Viewer)).toMatchObject({ daily: COST, saved: 6_000 - COST });
    expect(await findBookErrors(db.database)).toEqual([]);
  });

  it('during a turn leaves room for it, and what it does not use is not given back to a balance that was reset', async () => {
    const viewer = createViewer();
    await node.quotas.open(viewer);
    await clock.advance('13 hours');
    const gate = createGate();
    fake.reply({
      ...stream(textResponse('Yes.', { usage: { inputTokens: 5, outputTokens: 5 } })),
      holds: { 5: gate },
    });
    const { turn } = await node.engine.start(viewer, { query: 'May I?' });
    const [{ reserved } = { reserved: 0 }] = await node.quotas.list(viewer);
    await clock.advance('1 day');
    expect(await read(viewer)).toMatchObject({ daily: 2 * COST - reserved, saved: 3_000 - reserved });
    gate.release();
    await node.engine.wait(viewer, turn.id, 10_000);
    expect(await read(viewer)).toMatchObject({ daily: 2 * COST - reserved, saved: 3_000 - 10 });
    expect(await findBookErrors(db.database)).toEqual([]);
  });
});

it('the grid of periods is the one that Postgres makes in UTC', async () => {
  const periods = ['1 day', '90 minutes', '1 month', '5 months', '1 year', '2 weeks'];
  const anchors = fc.date({ min: new Date('2000-01-01'), max: new Date('2050-01-01'), noInvalidDate: true });
  const cases = fc.sample(fc.tuple(anchors, fc.constantFrom(...periods), fc.nat(100)), 300);
  for (const [anchor, period, count] of cases) {
    const [row] = await db.database.driver<{ start: string }[]>`
      SELECT to_char((${anchor.toISOString()}::timestamptz AT TIME ZONE 'UTC') + ${count}::int * ${period}::interval,
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS start`;
    const interval = parseInterval(period) ?? { ms: Number.NaN };
    expect(addIntervals(anchor, interval, count).toISOString()).toBe(row?.start);
  }
});
