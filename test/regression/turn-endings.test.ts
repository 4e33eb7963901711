/** Traps at the end of a turn: counted once, erased with its conversation, told to every follower, never left behind. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDefaultPolicy } from '../../src/auth/policy.ts';
import { deleteConversation, eraseConversation } from '../../src/conversations/conversations.ts';
import { newId } from '../../src/lib/ids.ts';
import { recordChanges } from '../support/conversation-changes.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  collectEvents,
  collectUntil,
  createViewer,
  joinTokens,
  startTestEngine,
  type TestEngine,
  type TestEngineOptions,
} from '../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, type Gate, stream, textResponse } from '../support/fake-backend-script.ts';

const viewer = createViewer();
const TEXT = 'One two three.';
let db: TestDatabase;
let fake: FakeBackend;
let owner: TestEngine;
let gate: Gate;

const startNode = (options: Partial<TestEngineOptions> = {}) =>
  startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: { turns: { flushMs: 20, leaseMs: 600 } },
    ...options,
  });

beforeEach(async () => {
  db = await createTestDatabase();
  gate = createGate();
  const held = { ...stream(textResponse(TEXT, { pieces: ['One ', 'two ', 'three.'] })), holds: { 6: gate } };
  fake = await startFakeBackend({ onResponse: () => held });
  owner = await startNode();
});
afterEach(async () => {
  gate.release();
  await owner[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** A turn that has said something, all of it stored, and now waits for its backend. */
async function startHeld(node = owner) {
  const { turn } = await node.engine.start(viewer, { query: 'Count.' });
  const follow = { viewer, input: { turnId: turn.id } };
  const seen = await collectUntil(node.engine, follow, (events) => joinTokens(events) === 'One two ');
  await expect.poll(() => countStored(turn.id)).toBe(seen.length);
  return { turn, seen };
}

async function countStored(turnId: string): Promise<number> {
  const [row] = await db.database.driver<{ last: number }[]>`
    SELECT COALESCE(max(last_seq), 0) AS last FROM turn_event_batch WHERE turn_id = ${turnId}`;
  return row?.last ?? 0;
}

async function countMessages(conversationId: string): Promise<number | undefined> {
  const [row] = await db.database.driver<{ count: number }[]>`
    SELECT message_count AS count FROM conversation WHERE id = ${conversationId}`;
  return row?.count;
}

/** Waits until a statement waits for a row that somebody else has locked. */
const somebodyWaits = () =>
  expect.poll(async () => {
    const rows = await db.database.driver`
      SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return rows[0]?.pid as number | undefined;
  });

/** Keeps a conversation's row locked until released. */
async function lockConversation(conversationId: string) {
  const locked = createGate();
  const release = createGate();
  const done = db.database.driver.begin(async (sql) => {
    await sql`SELECT 1 FROM conversation WHERE id = ${conversationId} FOR UPDATE`;
    locked.release();
    await release.released;
  });
  await locked.released;
  return {
    release: async () => {
      release.release();
      await done;
    },
  };
}

describe('a turn that was taken over', () => {
  it('is counted once in its conversation, though its old node tries to end it, too', async () => {
    await owner[Symbol.asyncDispose]();
    owner = await startNode({ config: { turns: { flushMs: 60_000, leaseMs: 60_000 } } });
    const { turn } = await owner.engine.start(viewer, { query: 'Count.' });
    const follow = { viewer, input: { turnId: turn.id } };
    await collectUntil(owner.engine, follow, (events) => joinTokens(events) === 'One two ');
    await db.database.driver`UPDATE turn SET lease_until = now() - interval '1 second' WHERE id = ${turn.id}`;
    await using other = await startNode();
    await other.engine.wait(viewer, turn.id, 10_000);
    gate.release();
    await expect.poll(() => owner.engine.runningCount).toBe(0);
    expect(await countMessages(turn.conversationId)).toBe(1);
  });
});

describe('a conversation deleted on another node', () => {
  const policy = createDefaultPolicy({ localOperator: true });

  it('keeps nothing of the turn that ran, and its followers there learn how it ended', async () => {
    await using other = await startNode();
    const { turn, seen } = await startHeld();
    const following = collectEvents(other.engine, viewer, { turnId: turn.id });
    const deps = { ...recordChanges(), database: other.database, policy };
    await deleteConversation(deps, viewer, turn.conversationId);
    await other.engine.interruptConversation(viewer, turn.conversationId, 'CONVERSATION_DELETED');
    await eraseConversation(deps, turn.conversationId);
    const [row] = await db.database
      .driver`SELECT status, query, answer, request FROM turn WHERE id = ${turn.id}`;
    expect(row).toEqual({ status: 'INTERRUPTED', query: '', answer: '', request: {} });
    expect(await countStored(turn.id)).toBe(0);
    const events = await following;
    expect(events.at(-1)).toMatchObject({ type: 'interrupted', reason: 'CONVERSATION_DELETED', answer: '' });
    const positions = events.map(({ fromSeq, seq }) => ({ fromSeq, seq }));
    expect(positions.every(({ fromSeq }, at) => fromSeq === (positions[at - 1]?.seq ?? 0) + 1)).toBe(true);
    expect(seen.length).toBeGreaterThan(0);
  });

  it('keeps nothing even if the deletion did not wait for the end', async () => {
    const { turn } = await startHeld();
    await deleteConversation(
      { ...recordChanges(), database: owner.database, policy },
      viewer,
      turn.conversationId,
    );
    gate.release();
    await expect.poll(() => owner.engine.runningCount).toBe(0);
    const [row] = await db.database.driver`SELECT query, answer FROM turn WHERE id = ${turn.id}`;
    expect(row).toEqual({ query: '', answer: '' });
    expect(await countStored(turn.id)).toBe(0);
  });
});

describe('an end that was in the way of somebody', () => {
  it('is tried again and stays what it was', async () => {
    const { turn } = await startHeld();
    const lock = await lockConversation(turn.conversationId);
    gate.release();
    await somebodyWaits().toBeDefined();
    await db.database.driver`
      SELECT pg_cancel_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await lock.release();
    expect(await owner.engine.wait(viewer, turn.id, 10_000)).toMatchObject({
      status: 'COMPLETED',
      answer: TEXT,
    });
  });
});

describe('an orphan that cannot be ended', () => {
  it('does not keep the others from their end', async () => {
    const { turn } = await startHeld();
    await db.database.driver`
      INSERT INTO conversation (id, owner_id) VALUES ('broken', ${viewer.id})`;
    const broken = newId();
    await db.database.driver`
      INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model, lease_until)
      VALUES (${broken}, ${viewer.id}, 'broken', '', '{}', 'RUNNING', '', '', '', now() - interval '1 day')`;
    await db.database.driver`
      INSERT INTO turn_event_batch VALUES (${broken}, 1, 1, 1, '{}')`;
    await owner[Symbol.asyncDispose]();
    await db.database.driver`
      UPDATE turn SET status = 'RUNNING', completed_at = NULL, lease_until = now() WHERE id = ${turn.id}`;
    owner = await startNode();
    expect(await owner.engine.wait(viewer, turn.id, 10_000)).toMatchObject({
      interruptReason: 'SERVER_LOST',
    });
  });
});

describe('a node that shuts down while a question waits to be accepted', () => {
  it('ends what runs at once, and what is accepted later, too', async () => {
    const leaving = await startNode();
    const { turn: first } = await leaving.engine.start(viewer, { query: 'One' });
    await leaving.engine.cancel(viewer, first.id);
    const { turn } = await startHeld(leaving);
    const lock = await lockConversation(first.conversationId);
    const late = leaving.engine.start(viewer, { query: 'Late', conversationId: first.conversationId });
    await somebodyWaits().toBeDefined();
    const disposed = leaving[Symbol.asyncDispose]();
    await expect
      .poll(async () => (await owner.engine.get(viewer, turn.id)).interruptReason, { timeout: 3_000 })
      .toBe('SHUTDOWN');
    await lock.release();
    const accepted = await late;
    await disposed;
    expect(await owner.engine.get(viewer, accepted.turn.id)).toMatchObject({ interruptReason: 'SHUTDOWN' });
  });
});

describe('a follower that leaves before it has begun', () => {
  it('does not keep a turn alive that nobody else follows', async () => {
    const node = await startNode({ disconnectGraceMs: 50 });
    const controller = new AbortController();
    const { turn } = await node.engine.start(viewer, { query: 'Count.', onDisconnect: 'CANCEL' });
    await node.engine.follow(viewer, { turnId: turn.id }, controller.signal);
    controller.abort();
    expect(await node.engine.wait(viewer, turn.id, 5_000)).toMatchObject({ interruptReason: 'DISCONNECTED' });
    await node[Symbol.asyncDispose]();
  });
});
