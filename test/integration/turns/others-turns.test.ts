/** Turns of other viewers: unknown without the action for it, and each action opens one thing. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Action } from '../../../src/types/action.ts';
import type { Turn } from '../../../src/types/turn.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';

const owner = createViewer();
const other = createViewer();
const UNKNOWN = { code: 'NOT_FOUND' };
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;
/** The one action that the other viewer has. */
let granted: Action;
let turn: Turn;

beforeAll(async () => {
  db = await createTestDatabase();
  const held = { ...stream(textResponse('Held.')), holds: { 5: createGate() } };
  fake = await startFakeBackend({ onResponse: () => held });
  node = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    policy: { can: (viewer, action) => viewer.id === other.id && action === granted },
  });
});
beforeEach(async () => {
  turn = (await node.engine.start(owner, { query: 'Mine?' })).turn;
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const page = () => ({ conversationId: turn.conversationId, limit: 9 });
const { signal } = new AbortController();

describe('READ_OTHERS_CONVERSATIONS', () => {
  it('lets read and follow, but not cancel', async () => {
    granted = 'READ_OTHERS_CONVERSATIONS';
    expect(await node.engine.get(other, turn.id)).toMatchObject({ id: turn.id });
    expect(await node.engine.list(other, page())).toMatchObject([{ id: turn.id }]);
    const followed = collectEvents(node.engine, other, { turnId: turn.id });
    await expect(node.engine.cancel(other, turn.id)).rejects.toMatchObject(UNKNOWN);
    await node.engine.cancel(owner, turn.id);
    expect((await followed).at(-1)).toMatchObject({ type: 'interrupted' });
  });
});

describe('CANCEL_OTHERS_TURNS', () => {
  it('lets cancel, but neither read nor follow before', async () => {
    granted = 'CANCEL_OTHERS_TURNS';
    await expect(node.engine.get(other, turn.id)).rejects.toMatchObject(UNKNOWN);
    await expect(node.engine.list(other, page())).rejects.toMatchObject(UNKNOWN);
    await expect(node.engine.follow(other, { turnId: turn.id }, signal)).rejects.toMatchObject(UNKNOWN);
    expect(await node.engine.cancel(other, turn.id)).toMatchObject({ outcome: 'CANCELLED' });
    expect(await node.engine.get(owner, turn.id)).toMatchObject({ interruptReason: 'CANCELLED' });
  });
});

describe.each<Action>([
  'LIST_OTHERS_CONVERSATIONS',
  'QUERY_OTHERS_CONVERSATIONS',
  'DELETE_OTHERS_CONVERSATIONS',
])('%s', (action) => {
  it('opens no turn', async () => {
    granted = action;
    await expect(node.engine.get(other, turn.id)).rejects.toMatchObject(UNKNOWN);
    await expect(node.engine.list(other, page())).rejects.toMatchObject(UNKNOWN);
    await expect(node.engine.follow(other, { turnId: turn.id }, signal)).rejects.toMatchObject(UNKNOWN);
    await expect(node.engine.cancel(other, turn.id)).rejects.toMatchObject(UNKNOWN);
  });
});

it('QUERY_OTHERS_CONVERSATIONS: what somebody else asks in a conversation is seen by its owner, and by who asked', async () => {
  granted = 'QUERY_OTHERS_CONVERSATIONS';
  await node.engine.cancel(owner, turn.id);
  const asked = await node.engine.start(other, { query: 'Yours?', conversationId: turn.conversationId });
  expect(await node.engine.list(owner, page())).toMatchObject([{ id: turn.id }, { id: asked.turn.id }]);
  expect(await node.engine.get(other, asked.turn.id)).toMatchObject({ query: 'Yours?' });
  await expect(node.engine.get(other, turn.id)).rejects.toMatchObject(UNKNOWN);
  await node.engine.cancel(owner, asked.turn.id);
});
