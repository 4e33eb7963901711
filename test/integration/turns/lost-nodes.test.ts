/** Turns whose node is gone or paused: ended once, with their text, and nobody who lost a turn writes to it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeEvents } from '../../../src/event-log/codec.ts';
import { toCursor, toCursorPrefix } from '../../../src/lib/cursor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  collectEvents,
  collectUntil,
  createViewer,
  joinTokens,
  startTestEngine,
  type TestEngine,
} from '../../support/engine.ts';
import { toEvent } from '../../support/events.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, type Gate, stream, textResponse } from '../../support/fake-backend-script.ts';

const viewer = createViewer();
let db: TestDatabase;
let fake: FakeBackend;
let owner: TestEngine;
let gate: Gate;

beforeEach(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  gate = createGate();
  fake.reply({
    ...stream(textResponse('One two three.', { pieces: ['One ', 'two ', 'three.'] })),
    holds: { 6: gate },
  });
  owner = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: { turns: { flushMs: 20 } },
  });
});
afterEach(async () => {
  gate.release();
  await owner[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** A running turn whose lease has run out, as if its node had been away for longer than that. */
async function startOverdue() {
  const { turn } = await owner.engine.start(viewer, { query: 'Count.' });
  const follow = { viewer, input: { turnId: turn.id } };
  const seen = await collectUntil(owner.engine, follow, (events) => joinTokens(events) === 'One two ');
  await expect.poll(() => countStored(turn.id)).toBe(seen.length);
  await db.database.driver`UPDATE turn SET lease_until = now() - interval '1 second' WHERE id = ${turn.id}`;
  return { turn, seen };
}

async function countStored(turnId: string): Promise<number> {
  const [row] = await db.database.driver<{ last: number }[]>`
    SELECT max(last_seq) AS last FROM turn_event_batch WHERE turn_id = ${turnId}`;
  return row?.last ?? 0;
}

const otherNode = () =>
  startTestEngine({ databaseUrl: db.url, backend: fake.url, config: { turns: { leaseMs: 500 } } });

describe('an orphaned turn', () => {
  it('is ended as SERVER_LOST with its text, exactly once however many nodes sweep', async () => {
    const { turn, seen } = await startOverdue();
    const nodes = await Promise.all([otherNode(), otherNode(), otherNode()]);
    const events = await collectEvents((nodes[0] as TestEngine).engine, viewer, { turnId: turn.id });
    expect(events.slice(0, seen.length)).toEqual(seen);
    expect(events.slice(seen.length)).toMatchObject([
      { type: 'interrupted', reason: 'SERVER_LOST', answer: 'One two ', epoch: 2 },
    ]);
    expect(await db.database.driver`SELECT epoch, first_seq FROM turn_epoch`).toEqual([
      { epoch: 2, first_seq: seen.length + 1 },
    ]);
    expect(await owner.engine.get(viewer, turn.id)).toMatchObject({
      status: 'INTERRUPTED',
      answer: 'One two ',
    });
    for (const node of nodes) await node[Symbol.asyncDispose]();
  });

  it('its old node stores nothing afterwards, and sends its followers away with a valid cursor', async () => {
    const { turn, seen } = await startOverdue();
    const following = collectEvents(owner.engine, viewer, { turnId: turn.id });
    const isSentAway = expect(following).rejects.toMatchObject({ code: 'TURN_MOVED' });
    await using node = await otherNode();
    await node.engine.wait(viewer, turn.id, 10_000);
    gate.release();
    await isSentAway;
    const after = toCursor(toCursorPrefix(turn.id), 1, seen.length);
    const rest = await collectEvents(owner.engine, viewer, { turnId: turn.id, after });
    expect(rest).toMatchObject([{ type: 'interrupted', reason: 'SERVER_LOST', seq: seen.length + 1 }]);
    const stored = await collectEvents(node.engine, viewer, { turnId: turn.id });
    expect(stored.map((event) => event.seq)).toEqual(
      Array.from({ length: seen.length + 1 }, (_, index) => index + 1),
    );
  });

  it('a follower with a later cursor is reset to what was stored, then gets the rest', async () => {
    const { turn, seen } = await startOverdue();
    await using node = await otherNode();
    await node.engine.wait(viewer, turn.id, 10_000);
    const after = toCursor(toCursorPrefix(turn.id), 1, seen.length + 5);
    const events = await collectEvents(node.engine, viewer, { turnId: turn.id, after });
    expect(events).toMatchObject([
      { type: 'reset', discardAfterSeq: seen.length, seq: seen.length },
      { type: 'interrupted', seq: seen.length + 1, fromSeq: seen.length + 1 },
    ]);
  });

  it('a follower that waits with a later cursor while nobody owns the turn is reset, too', async () => {
    const { turn, seen } = await startOverdue();
    await db.database.driver`UPDATE turn SET lease_until = now() + interval '1 hour' WHERE id = ${turn.id}`;
    await using node = await otherNode();
    const after = toCursor(toCursorPrefix(turn.id), 1, seen.length + 5);
    const waiting = collectEvents(node.engine, viewer, { turnId: turn.id, after });
    await db.database.driver`UPDATE turn SET lease_until = now() - interval '1 second' WHERE id = ${turn.id}`;
    expect((await waiting).map((event) => event.type)).toEqual(['reset', 'interrupted']);
  });
});

describe('a stale fence', () => {
  it('writes nothing in the grouped statement, while the turns beside it are written', async () => {
    const { turn, seen } = await startOverdue();
    const seq = seen.length + 1;
    await db.database
      .driver`UPDATE turn SET fence = 2, lease_until = now() + interval '1 hour' WHERE id = ${turn.id}`;
    const { insertFenced } = await import('../../../src/event-log/postgres-store.ts');
    const batch = (fence: number) => {
      const events = encodeEvents([
        toEvent({ type: 'token', chunkId: 9, token: 'x' }, seq, { turnId: turn.id, epoch: fence }),
      ]);
      return { turnId: turn.id, fence, firstSeq: seq, lastSeq: seq, events };
    };
    const stale = await db.database.asWorker((tx) => insertFenced(tx, [batch(1)]));
    expect([stale.size, await countStored(turn.id)]).toEqual([0, seq - 1]);
    const current = await db.database.asWorker((tx) => insertFenced(tx, [batch(2)]));
    expect([[...current], await countStored(turn.id)]).toEqual([[turn.id], seq]);
    await db.database.asWorker((tx) => insertFenced(tx, [batch(2)]));
    expect(await countStored(turn.id)).toBe(seq);
  });
});

describe('an owner whose lease ran out unnoticed', () => {
  it('still owns the turn as long as nobody claimed it', async () => {
    const { turn } = await startOverdue();
    gate.release();
    expect(await owner.engine.wait(viewer, turn.id, 10_000)).toMatchObject({
      status: 'COMPLETED',
      answer: 'One two three.',
    });
  });
});
