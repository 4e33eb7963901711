/** Stopping a turn from a node that does not run it: at once, by whoever wants it first, and with who that was. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTerminal } from '../../../src/types/turn-event.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  collectEvents,
  createViewer,
  startTestEngine,
  type TestEngine,
  type TestEngineOptions,
} from '../../support/engine.ts';
import { DEAF } from '../../support/event-log.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';

const viewer = createViewer();
const admin = createViewer();
const HELD = {
  ...stream(textResponse('One two.', { pieces: ['One ', 'two.'] })),
  holds: { 5: createGate() },
};
/** Renewals come so late that a test that needed one would fail. */
const SLOW_LEASE_MS = 600_000;
let db: TestDatabase;
let fake: FakeBackend;
let owner: TestEngine;
let other: TestEngine;
let options: TestEngineOptions;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({ onResponse: () => HELD });
  options = {
    databaseUrl: db.url,
    backend: fake.url,
    config: { turns: { leaseMs: SLOW_LEASE_MS, flushMs: 20 } },
    policy: {
      can: (who, action) =>
        who.id === admin.id && (action === 'CANCEL_OTHERS_TURNS' || action === 'READ_OTHERS_CONVERSATIONS'),
    },
  };
  owner = await startTestEngine(options);
  other = await startTestEngine(options);
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await owner[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** A turn that waits for its backend. */
async function startHeld(node = owner) {
  const calls = fake.responses.length;
  const { turn } = await node.engine.start(viewer, { query: 'Count.' });
  return { turn, upstream: await fake.received(calls + 1) };
}

/** As a request whose notification was lost: only the row says what is wanted. */
async function requestSilently(turnId: string): Promise<void> {
  await db.database.driver`
    UPDATE turn SET stop_reason = 'CANCELLED', stop_actor = ${admin.id} WHERE id = ${turnId}`;
}

describe('a stop that is asked for on another node', () => {
  it('P5: ends the request to the backend and the turn at once, not with the next renewal of leases', async () => {
    const { turn, upstream } = await startHeld();
    const { turn: ended, outcome } = await other.engine.cancel(viewer, turn.id);
    expect([outcome, ended.status]).toEqual(['CANCELLED', 'INTERRUPTED']);
    await upstream.closed;
    expect(upstream.aborted).toBe(true);
  });

  it('leaves the turns beside it alone', async () => {
    const [stays, goes] = [await startHeld(), await startHeld()];
    await other.engine.cancel(viewer, goes.turn.id);
    expect(stays.upstream.aborted).toBe(false);
    expect(await owner.engine.get(viewer, stays.turn.id)).toMatchObject({ status: 'RUNNING' });
    await owner.engine.cancel(viewer, stays.turn.id);
  });

  it('is carried out when the owner hears again, after it was deaf', async () => {
    const { turn } = await startHeld();
    await requestSilently(turn.id);
    const isDeaf = await db.database.driver`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'millrace-listen'`;
    expect(isDeaf.length).toBeGreaterThan(0);
    expect(await other.engine.wait(viewer, turn.id, 20_000)).toMatchObject({ interruptedBy: admin.id });
  });

  it('is carried out with the next renewal of leases when its notification was lost', async () => {
    await using prompt = await startTestEngine({ ...options, config: { turns: { leaseMs: 600 } } });
    const { turn } = await startHeld(prompt);
    await requestSilently(turn.id);
    expect(await other.engine.wait(viewer, turn.id, 20_000)).toMatchObject({ interruptReason: 'CANCELLED' });
  });
});

describe('who stopped a turn', () => {
  it.each([
    ['on its node', () => owner],
    ['on another node', () => other],
  ])('is kept with it: %s', async (_where, node) => {
    const { turn } = await startHeld();
    expect(turn.interruptedBy).toBeNull();
    await node().engine.cancel(admin, turn.id);
    expect(await other.engine.get(viewer, turn.id)).toMatchObject({
      interruptReason: 'CANCELLED',
      interruptedBy: admin.id,
    });
  });

  it('is who asked the next question, for a turn that was superseded', async () => {
    const { turn } = await startHeld();
    const { conversationId } = turn;
    const next = await other.engine.start(viewer, { query: 'Stop.', conversationId, whenBusy: 'INTERRUPT' });
    expect(await other.engine.get(viewer, turn.id)).toMatchObject({
      interruptReason: 'SUPERSEDED',
      interruptedBy: viewer.id,
    });
    await other.engine.cancel(viewer, next.turn.id);
  });

  it('is nobody when the turn ended before the wish reached it', async () => {
    const gate = createGate();
    fake.reply({ ...stream(textResponse('Done.')), holds: { 5: gate } });
    await using deaf = await startTestEngine({
      ...options,
      listener: DEAF,
    });
    const { turn } = await startHeld(deaf);
    const cancelling = other.engine.cancel(admin, turn.id);
    const isAsked = async () => {
      const [row] = await db.database.driver`SELECT stop_reason FROM turn WHERE id = ${turn.id}`;
      return row?.stop_reason;
    };
    await expect.poll(isAsked).toBe('CANCELLED');
    gate.release();
    expect(await cancelling).toMatchObject({
      outcome: 'ALREADY_ENDED',
      turn: { status: 'COMPLETED', interruptedBy: null },
    });
  });
});

describe('cancelling', () => {
  it('on two nodes at once ends the turn once, by one of the two', async () => {
    const { turn } = await startHeld();
    const following = collectEvents(other.engine, viewer, { turnId: turn.id });
    const both = await Promise.all([
      owner.engine.cancel(viewer, turn.id),
      other.engine.cancel(admin, turn.id),
    ]);
    const [first, second] = both.map((cancelled) => cancelled.turn);
    expect(first).toEqual(second);
    expect([viewer.id, admin.id]).toContain(first?.interruptedBy);
    expect((await following).filter(isTerminal)).toHaveLength(1);
  });

  it('after the end changes nothing', async () => {
    const { turn } = await startHeld();
    const { turn: ended } = await other.engine.cancel(viewer, turn.id);
    expect(await other.engine.cancel(admin, turn.id)).toEqual({ turn: ended, outcome: 'ALREADY_ENDED' });
  });
});

describe('an orphan', () => {
  /** A turn of a node that is gone without a word, for as long as the lease says. */
  async function startOrphan() {
    const { turn } = await startHeld();
    await db.database.driver`
      UPDATE turn SET fence = fence + 1, lease_owner = 'gone', lease_until = now() - interval '1 second'
      WHERE id = ${turn.id}`;
    return turn;
  }
  const startSweeper = () => startTestEngine({ ...options, config: { turns: { leaseMs: 500 } } });

  it('that somebody had cancelled ends as CANCELLED by them', async () => {
    const turn = await startOrphan();
    const cancelling = other.engine.cancel(admin, turn.id);
    await using _sweeper = await startSweeper();
    expect(await cancelling).toMatchObject({ outcome: 'CANCELLED', turn: { interruptedBy: admin.id } });
  });

  it('cancelled while it is taken over ends once, and both are told the same', async () => {
    await using sweeper = await startSweeper();
    for (let round = 0; round < 5; round += 1) {
      const turn = await startOrphan();
      const { outcome, turn: told } = await other.engine.cancel(viewer, turn.id);
      expect(outcome).toBe(told.interruptReason === 'CANCELLED' ? 'CANCELLED' : 'ALREADY_ENDED');
      expect(['CANCELLED', 'SERVER_LOST']).toContain(told.interruptReason);
      expect(await sweeper.engine.get(viewer, turn.id)).toEqual(told);
      const events = await collectEvents(sweeper.engine, viewer, { turnId: turn.id });
      expect(events.filter(isTerminal)).toMatchObject([
        { type: 'interrupted', reason: told.interruptReason },
      ]);
    }
  });
});
