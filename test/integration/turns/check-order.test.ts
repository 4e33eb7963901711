/** The order of the checks of a question: of two things that are wrong with it, which one is told. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../../src/lib/ids.ts';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import type { Action } from '../../../src/types/action.ts';
import type { Turn } from '../../../src/types/turn.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, status, stream, textResponse } from '../../support/fake-backend-script.ts';

const viewer = createViewer();
const OWN: readonly Action[] = ['MODEL_OVERRIDE', 'SHIELD_OVERRIDE'];
const PAIR = { provider: 'fake', model: 'fake-model' };
const UNKNOWN = {
  conversation: { conversationId: newId() },
  model: { provider: 'fake', model: 'other' },
  shield: { shieldIds: ['nobody'] },
  store: { vectorStoreIds: ['nowhere'] },
} satisfies Readonly<Record<string, Partial<StartTurnInput>>>;
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;
/** What everybody may do now. */
let granted: ReadonlySet<Action> = new Set(OWN);

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({ models: ['fake-model', 'guard'].map((id) => ({ id, object: 'model' })) });
  fake.on('GET /v1/vector_stores', () => status(200, { object: 'list', data: [], has_more: false }));
  fake.on('POST /v1/moderations', () =>
    status(200, { id: 'm', model: 'guard', results: [{ flagged: false }] }),
  );
  node = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: {
      backends: [{ id: 'fake', baseUrl: fake.url, kind: 'openai' }],
      shields: [{ id: 'guard', provider: 'fake', model: 'guard' }],
    },
    policy: { can: (_viewer, action) => granted.has(action) },
  });
});
afterEach(() => {
  granted = new Set(OWN);
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

async function answer(who: Viewer, input: Partial<StartTurnInput> = {}): Promise<Turn> {
  const { turn } = await node.engine.start(who, { query: 'Why?', ...input });
  await collectEvents(node.engine, who, { turnId: turn.id });
  return turn;
}

async function countTurns(): Promise<number> {
  const [row] = await db.database.driver<{ count: number }[]>`SELECT count(*)::int AS count FROM turn`;
  return row?.count ?? 0;
}

/** Refused as told, with nothing stored and the backend not called. */
async function expectRefusal(input: Partial<StartTurnInput>, refusal: object): Promise<void> {
  const before = { turns: await countTurns(), calls: fake.responses.length };
  await expect(node.engine.start(viewer, { query: 'Why?', ...input })).rejects.toMatchObject(refusal);
  expect({ turns: await countTurns(), calls: fake.responses.length }).toEqual(before);
}

describe('the look-up of a key comes before what may change', () => {
  it.each<[string, Partial<StartTurnInput>]>([
    ['MODEL_OVERRIDE', PAIR],
    ['SHIELD_OVERRIDE', { shieldIds: ['guard'] }],
  ])('a question that is sent again attaches to its turn though %s was lost', async (_action, input) => {
    const clientTurnId = newId();
    const turn = await answer(viewer, { ...input, clientTurnId });
    granted = new Set();
    expect(await node.engine.start(viewer, { query: 'Why?', ...input, clientTurnId })).toMatchObject({
      created: false,
      turn: { id: turn.id },
    });
    await expectRefusal({ ...input, clientTurnId: newId() }, { code: 'FORBIDDEN' });
  });

  it('a question that is sent again attaches to its turn though its model and its shield are gone', async () => {
    const input = { query: 'Why?', clientTurnId: newId(), shieldIds: ['guard'], ...PAIR };
    const turn = await answer(viewer, input);
    await using reduced = await startTestEngine({
      databaseUrl: db.url,
      backend: fake.url,
      config: { backends: [{ id: 'fake', baseUrl: fake.url, models: ['guard'] }] },
    });
    expect(await reduced.engine.start(viewer, input)).toMatchObject({
      created: false,
      turn: { id: turn.id },
    });
  });
});

describe('of two faults the earlier check tells', () => {
  it('values before the key', async () => {
    const clientTurnId = newId();
    await answer(viewer, { clientTurnId });
    await expectRefusal({ clientTurnId, query: ' ' }, { code: 'BAD_USER_INPUT' });
    await expectRefusal({ clientTurnId, model: 'half a pair' }, { code: 'BAD_USER_INPUT' });
  });

  it('the key before permissions', async () => {
    const clientTurnId = newId();
    await answer(viewer, { clientTurnId });
    granted = new Set();
    await expectRefusal({ clientTurnId, ...PAIR }, { code: 'IDEMPOTENCY_CONFLICT' });
  });

  it.each<[string, Partial<StartTurnInput>, object]>([
    ['values before permissions', { ...PAIR, query: '' }, { code: 'BAD_USER_INPUT' }],
    ['MODEL_OVERRIDE before the conversation', { ...PAIR, ...UNKNOWN.conversation }, { code: 'FORBIDDEN' }],
    [
      'SHIELD_OVERRIDE before the conversation',
      { shieldIds: [], ...UNKNOWN.conversation },
      { code: 'FORBIDDEN' },
    ],
  ])('%s', async (_order, input, refusal) => {
    granted = new Set();
    await expectRefusal(input, refusal);
  });

  it.each<[string, Partial<StartTurnInput>, string]>([
    [
      'the conversation before the model',
      { ...UNKNOWN.conversation, ...UNKNOWN.model },
      'Conversation not found',
    ],
    ['the model before shields', { ...UNKNOWN.model, ...UNKNOWN.shield }, 'Model not found'],
    ['shields before vector stores', { ...UNKNOWN.shield, ...UNKNOWN.store }, 'Shield not found'],
    ['vector stores before acceptance', UNKNOWN.store, 'Vector store not found'],
  ])('%s', async (_order, input, message) => {
    await expectRefusal(input, { code: 'NOT_FOUND', message });
  });

  it('everything else before CONVERSATION_BUSY, and nobody is interrupted for a question that is refused', async () => {
    const gate = createGate();
    fake.reply({ ...stream(textResponse('Held.')), holds: { 1: gate } });
    const { turn } = await node.engine.start(viewer, { query: 'First.' });
    const { conversationId } = turn;
    const input = { conversationId, ...UNKNOWN.store, whenBusy: 'INTERRUPT' } as const;
    await expect(node.engine.start(viewer, { query: 'Second.', ...input })).rejects.toMatchObject({
      message: 'Vector store not found',
    });
    await expect(node.engine.start(viewer, { query: 'Second.', conversationId })).rejects.toMatchObject({
      code: 'CONVERSATION_BUSY',
    });
    gate.release();
    expect(await node.engine.wait(viewer, turn.id, 10_000)).toMatchObject({ status: 'COMPLETED' });
  });
});

describe("continuing another viewer's conversation", () => {
  it('needs QUERY_OTHERS_CONVERSATIONS, no other action will do', async () => {
    const { conversationId } = await answer(createViewer());
    const refusal = { code: 'NOT_FOUND', message: 'Conversation not found' };
    granted = new Set([
      'READ_OTHERS_CONVERSATIONS',
      'LIST_OTHERS_CONVERSATIONS',
      'DELETE_OTHERS_CONVERSATIONS',
    ]);
    await expectRefusal({ conversationId }, refusal);
    granted = new Set(['QUERY_OTHERS_CONVERSATIONS']);
    const turn = await answer(viewer, { conversationId });
    expect(turn).toMatchObject({ conversationId, ownerId: viewer.id });
  });
});
