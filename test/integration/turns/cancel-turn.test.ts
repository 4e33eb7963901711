/** Ending a turn from outside: cancel, delete, leave, shut down; from the node that runs it and from another. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';

const viewer = createViewer();
const HELD = {
  ...stream(textResponse('One two three four.', { pieces: ['One ', 'two ', 'three ', 'four.'] })),
  holds: { 5: createGate() },
};
let db: TestDatabase;
let fake: FakeBackend;
let owner: TestEngine;
let other: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({ onResponse: () => HELD });
  const options = {
    databaseUrl: db.url,
    backend: fake.url,
    config: { turns: { leaseMs: 600, flushMs: 20 } },
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

/** A turn that has said something and now waits for its backend. */
async function startHeld(conversationId?: string) {
  const calls = fake.responses.length;
  const { turn } = await owner.engine.start(viewer, {
    query: 'Count.',
    ...(conversationId && { conversationId }),
  });
  const follow = { viewer, input: { turnId: turn.id } };
  const seen = await collectUntil(owner.engine, follow, (events) => joinTokens(events) !== '');
  return { turn, text: joinTokens(seen), upstream: await fake.received(calls + 1) };
}

describe('cancelling', () => {
  it.each([
    ['on its node', () => owner],
    ['from another node', () => other],
  ])(
    'ends the turn as CANCELLED with its text kept and the upstream request aborted, %s',
    async (_where, node) => {
      const { turn, text, upstream } = await startHeld();
      const events = collectEvents(owner.engine, viewer, { turnId: turn.id });
      const { turn: ended, outcome } = await node().engine.cancel(viewer, turn.id);
      expect(outcome).toBe('CANCELLED');
      expect(ended).toMatchObject({ status: 'INTERRUPTED', interruptReason: 'CANCELLED', answer: text });
      await upstream.closed;
      expect(upstream.aborted).toBe(true);
      expect((await events).at(-1)).toMatchObject({ type: 'interrupted', reason: 'CANCELLED', answer: text });
    },
  );

  it('twice, or after the end, says that it had ended', async () => {
    const { turn } = await startHeld();
    const outcomes = await Promise.all([
      owner.engine.cancel(viewer, turn.id),
      owner.engine.cancel(viewer, turn.id),
    ]);
    expect(outcomes.every(({ turn: ended }) => ended.status === 'INTERRUPTED')).toBe(true);
    expect(await other.engine.cancel(viewer, turn.id)).toMatchObject({ outcome: 'ALREADY_ENDED' });
  });

  it('an interrupted turn is told to the backend as far as it came', async () => {
    const { turn, text } = await startHeld();
    await owner.engine.cancel(viewer, turn.id);
    const { turn: next, upstream } = await startHeld(turn.conversationId);
    expect(upstream.body.input).toEqual([
      { role: 'user', content: 'Count.' },
      { role: 'assistant', content: text },
      { role: 'user', content: 'Count.' },
    ]);
    await owner.engine.cancel(viewer, next.id);
  });
});

describe('other ends', () => {
  it('a question on another node with whenBusy: INTERRUPT ends its turn as SUPERSEDED', async () => {
    const { turn, text, upstream } = await startHeld();
    const { conversationId } = turn;
    const next = await other.engine.start(viewer, { query: 'Stop.', conversationId, whenBusy: 'INTERRUPT' });
    expect(next.created).toBe(true);
    await upstream.closed;
    expect(upstream.aborted).toBe(true);
    expect(await other.engine.get(viewer, turn.id)).toMatchObject({
      status: 'INTERRUPTED',
      interruptReason: 'SUPERSEDED',
      answer: text,
    });
    await other.engine.cancel(viewer, next.turn.id);
  });

  it('a deleted conversation ends its turn as CONVERSATION_DELETED and keeps nothing of it', async () => {
    const { turn } = await startHeld();
    const events = collectEvents(owner.engine, viewer, { turnId: turn.id });
    await db.database.driver`UPDATE conversation SET deleted_at = now() WHERE id = ${turn.conversationId}`;
    await owner.engine.interruptConversation(viewer, turn.conversationId, 'CONVERSATION_DELETED');
    expect((await events).at(-1)).toMatchObject({ type: 'interrupted', reason: 'CONVERSATION_DELETED' });
    const [row] = await db.database.driver`SELECT status, answer FROM turn WHERE id = ${turn.id}`;
    expect(row).toEqual({ status: 'INTERRUPTED', answer: '' });
    await expect(owner.engine.get(viewer, turn.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('a node that shuts down ends its turns as SHUTDOWN with their text, and takes no new ones', async () => {
    const leaving = await startTestEngine({ databaseUrl: db.url, backend: fake.url });
    const { turn } = await leaving.engine.start(viewer, { query: 'Count.' });
    const follow = { viewer, input: { turnId: turn.id } };
    const seen = await collectUntil(leaving.engine, follow, (events) => joinTokens(events) !== '');
    const disposed = leaving[Symbol.asyncDispose]();
    await expect(leaving.engine.start(viewer, { query: 'More?' })).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    });
    await disposed;
    const ended = await owner.engine.get(viewer, turn.id);
    expect(ended).toMatchObject({ interruptReason: 'SHUTDOWN', answer: joinTokens(seen) });
  });
});
