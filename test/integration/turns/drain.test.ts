/** A node that leaves: what it takes, what it finishes, and what it ends. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  collectEvents,
  collectUntil,
  createViewer,
  joinTokens,
  startTestEngine,
  type TestEngine,
} from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, type Gate, stream, textResponse } from '../../support/fake-backend-script.ts';

/** Longer than any test: who waits for it has waited for the wrong thing. */
const LONG_MS = 600_000;
const TEXT = 'One two three four.';

let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;
let gate: Gate;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({
    onResponse: () => stream(textResponse(TEXT), { holds: { 5: gate } }),
  });
});
afterAll(async () => {
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});
beforeEach(async () => {
  gate = createGate();
  node = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: { turns: { leaseMs: 900, flushMs: 20 } },
  });
  return () => node[Symbol.asyncDispose]();
});

const viewer = createViewer();

/** A turn that has said something and now waits for its backend. */
async function startHeld(clientTurnId?: string) {
  const { turn } = await node.engine.start(viewer, { query: 'Count.', clientTurnId });
  const input = { turnId: turn.id };
  await collectUntil(node.engine, { viewer, input }, (events) => joinTokens(events) !== '');
  return turn;
}

describe('P9: draining', () => {
  it('refuses new questions with SHUTTING_DOWN and when to ask again, before anything is stored', async () => {
    const turn = await startHeld();
    const draining = node.engine.drain(LONG_MS);
    const asked = { query: 'And now?', conversationId: turn.conversationId };
    await expect(node.engine.start(viewer, asked)).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
      details: { retryAfterMs: 1_000 },
    });
    gate.release();
    await draining;
    const turns = await node.engine.list(viewer, { conversationId: turn.conversationId, limit: 10 });
    expect(turns.map(({ id }) => id)).toEqual([turn.id]);
  });

  it('lets the same question find its turn, and turns be followed and read', async () => {
    const turn = await startHeld('the-key');
    const draining = node.engine.drain(LONG_MS);
    const again = await node.engine.start(viewer, { query: 'Count.', clientTurnId: 'the-key' });
    expect(again).toMatchObject({ created: false, turn: { id: turn.id } });
    const following = collectEvents(node.engine, viewer, { turnId: turn.id });
    gate.release();
    const events = await following;
    expect(joinTokens(events)).toBe(TEXT);
    expect(events.at(-1)).toMatchObject({ type: 'end' });
    await draining;
  });

  it('ends as soon as the last running turn has, and that turn is complete', async () => {
    const turn = await startHeld();
    let ended = false;
    const draining = node.engine.drain(LONG_MS).then(() => {
      ended = true;
    });
    expect(await node.engine.get(viewer, turn.id)).toMatchObject({ status: 'RUNNING' });
    expect(ended).toBe(false);
    gate.release();
    await draining;
    expect(await node.engine.get(viewer, turn.id)).toMatchObject({ status: 'COMPLETED', answer: TEXT });
  });

  it('ends what the grace time does not suffice for as SHUTDOWN, with its text', async () => {
    const turn = await startHeld();
    await node.engine.drain(100);
    expect(await node.engine.get(viewer, turn.id)).toMatchObject({
      status: 'INTERRUPTED',
      interruptReason: 'SHUTDOWN',
      answer: 'One',
    });
  });

  it('keeps the lease of a turn for longer than the lease time', async () => {
    const turn = await startHeld();
    const draining = node.engine.drain(LONG_MS);
    await using other = await startTestEngine({
      databaseUrl: db.url,
      backend: fake.url,
      config: { turns: { leaseMs: 900 } },
    });
    await other.engine.wait(viewer, turn.id, 2_000);
    gate.release();
    await draining;
    expect(await other.engine.get(viewer, turn.id)).toMatchObject({ status: 'COMPLETED', answer: TEXT });
  });

  it('lets a turn be cancelled', async () => {
    const turn = await startHeld();
    const draining = node.engine.drain(LONG_MS);
    expect(await node.engine.cancel(viewer, turn.id)).toMatchObject({ outcome: 'CANCELLED' });
    await draining;
  });

  it('waits for a question that is just being accepted', async () => {
    const starting = node.engine.start(viewer, { query: 'Count.' });
    const draining = node.engine.drain(LONG_MS);
    const outcome = await starting.catch((error: unknown) => error);
    gate.release();
    await draining;
    expect(node.engine.runningCount).toBe(0);
    expect(outcome).toMatchObject(outcome instanceof Error ? { code: 'SHUTTING_DOWN' } : { created: true });
  });

  it('is cut short by disposal', async () => {
    const turn = await startHeld();
    const draining = node.engine.drain(LONG_MS);
    await node.engine[Symbol.asyncDispose]();
    await draining;
    await using other = await startTestEngine({ databaseUrl: db.url, backend: fake.url });
    expect(await other.engine.get(viewer, turn.id)).toMatchObject({ interruptReason: 'SHUTDOWN' });
  });
});
