/** Quotas in a turn: set aside when it is accepted, charged once when it has ended. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { findBookErrors, readBalances, readLedger, toLimiter } from '../../support/quotas.ts';

let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  const limiters = [
    toLimiter('all', { kind: 'CLUSTER', initialQuota: 1_000_000 }),
    toLimiter('daily'),
    toLimiter('monthly', { initialQuota: 9_000, period: '1 month' }),
  ];
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config: { quotas: { limiters } } });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

it('sets the estimate and the allowance aside from every limiter while the turn runs, then charges what was reported', async () => {
  const viewer = createViewer();
  const gate = createGate();
  fake.reply({
    ...stream(textResponse('An answer.', { usage: { inputTokens: 40, outputTokens: 60 } })),
    holds: { 5: gate },
  });
  const { turn } = await node.engine.start(viewer, { query: 'What is a quota?' });
  const request = await fake.received(1);
  const running = await readBalances(db.database);
  const [{ reserved } = { reserved: 0 }] = running;
  expect(reserved).toBeGreaterThan(8_192);
  expect(running).toEqual([
    { limiter: 'all', available: 1_000_000 - reserved, reserved, overrun: 0 },
    { limiter: 'daily', available: 100_000 - reserved, reserved, overrun: 0 },
    { limiter: 'monthly', available: 9_000 - reserved, reserved, overrun: 0 },
  ]);
  expect(request.body).toMatchObject({ max_output_tokens: 8_192 });
  gate.release();
  const events = await collectEvents(node.engine, viewer, { turnId: turn.id });
  expect(events.at(-1)).toMatchObject({ type: 'end', usage: { inputTokens: 40, outputTokens: 60 } });
  expect(await readBalances(db.database)).toEqual([
    { limiter: 'all', available: 999_900, reserved: 0, overrun: 0 },
    { limiter: 'daily', available: 99_900, reserved: 0, overrun: 0 },
    { limiter: 'monthly', available: 8_900, reserved: 0, overrun: 0 },
  ]);
  expect((await readLedger(db.database, turn.id)).slice(0, 2)).toEqual([
    { limiter: 'all', kind: 'RESERVE', amount: reserved, change: -reserved },
    { limiter: 'all', kind: 'SETTLE', amount: 100, change: reserved - 100 },
  ]);
  expect(await findBookErrors(db.database)).toEqual([]);
});

/** A turn of a viewer whose `monthly` is worth one of them, with its backend held in the middle. */
async function startHeld() {
  const viewer = createViewer();
  fake.reply({ ...stream(textResponse('An answer.')), holds: { 5: createGate() } });
  const { turn } = await node.engine.start(viewer, { query: 'What is a quota?' });
  const next = { conversationId: turn.conversationId, whenBusy: 'INTERRUPT' as const };
  return { viewer, turn, next };
}

it('interrupts no turn for a question that its quota could not pay even then', async () => {
  const { viewer, turn, next } = await startHeld();
  // Some three tokens each: more than the month has.
  const query = 'ꙮ'.repeat(4_000);
  await expect(node.engine.start(viewer, { ...next, query })).rejects.toMatchObject({
    code: 'QUOTA_EXCEEDED',
    details: { resetAt: expect.any(Date) },
  });
  expect(await node.engine.get(viewer, turn.id)).toMatchObject({ status: 'RUNNING' });
  await node.engine.cancel(viewer, turn.id);
  expect(await findBookErrors(db.database)).toEqual([]);
});

it('counts on what an interrupted turn gives back', async () => {
  const { viewer, turn, next } = await startHeld();
  fake.reply(stream(textResponse('Another.', { usage: { inputTokens: 10, outputTokens: 5 } })));
  const second = await node.engine.start(viewer, { ...next, query: 'And now?' });
  expect(await node.engine.wait(viewer, second.turn.id, 10_000)).toMatchObject({ status: 'COMPLETED' });
  expect(await node.engine.get(viewer, turn.id)).toMatchObject({ interruptReason: 'SUPERSEDED' });
  expect(await findBookErrors(db.database)).toEqual([]);
});
