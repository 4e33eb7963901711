/** One turn per question: however often it is sent, the database decides. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId, randomId } from '../../../src/lib/ids.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, status, stream, textResponse } from '../../support/fake-backend-script.ts';

let db: TestDatabase;
let fake: FakeBackend;
let nodes: readonly [TestEngine, TestEngine];

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  const options = { databaseUrl: db.url, backend: fake.url };
  nodes = [await startTestEngine(options), await startTestEngine(options)];
});
afterAll(async () => {
  for (const node of nodes) await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** Starts the same question many times at once, over both nodes. */
async function storm(count: number, input: { clientTurnId: string; conversationId?: string }) {
  const viewer = createViewer();
  const before = fake.responses.length;
  const starts = Array.from({ length: count }, (_, index) =>
    (nodes[index % 2] as TestEngine).engine.start(viewer, { query: 'Once?', ...input }),
  );
  const started = await Promise.all(starts);
  const [first] = started;
  await collectEvents(nodes[0].engine, viewer, { turnId: first?.turn.id ?? '' });
  return { started, calls: fake.responses.length - before, viewer };
}

/** Nothing is left running that would take the next test's reply. */
async function settle(viewer: Viewer, turnIds: readonly string[]): Promise<void> {
  for (const turnId of turnIds) await collectEvents(nodes[0].engine, viewer, { turnId });
}

describe('the same key and the same request', () => {
  it('is one turn and one upstream call under 1,600 parallel duplicates, and never busy', async () => {
    const { started, calls } = await storm(1600, { clientTurnId: 'key' });
    expect(new Set(started.map(({ turn }) => turn.id)).size).toBe(1);
    expect(started.filter(({ created }) => created)).toHaveLength(1);
    expect(calls).toBe(1);
  });

  it('is never busy in a conversation either, where the turn itself is what runs', async () => {
    const viewer = createViewer();
    const { turn } = await nodes[0].engine.start(viewer, { query: 'First.' });
    await collectEvents(nodes[0].engine, viewer, { turnId: turn.id });
    const gate = createGate();
    fake.reply({ ...stream(textResponse('Held.')), holds: { 1: gate } });
    const input = { query: 'Second.', clientTurnId: 'again', conversationId: turn.conversationId };
    const starts = await Promise.all(
      Array.from({ length: 200 }, (_, index) => (nodes[index % 2] as TestEngine).engine.start(viewer, input)),
    );
    gate.release();
    const ids = new Set(starts.map((start) => start.turn.id));
    expect(ids.size).toBe(1);
    await collectEvents(nodes[1].engine, viewer, { turnId: [...ids][0] ?? '' });
  });

  it('is another turn for another viewer', async () => {
    const one = await storm(2, { clientTurnId: 'shared' });
    const other = await storm(2, { clientTurnId: 'shared' });
    expect(one.started[0]?.turn.id).not.toBe(other.started[0]?.turn.id);
  });

  it('attaches to an ended turn and replays it', async () => {
    const { started, viewer } = await storm(1, { clientTurnId: 'later' });
    const again = await nodes[1].engine.start(viewer, { query: 'Once?', clientTurnId: 'later' });
    expect(again).toMatchObject({ created: false, turn: { id: started[0]?.turn.id, clientTurnId: 'later' } });
    const events = await collectEvents(nodes[1].engine, viewer, { turnId: again.turn.id });
    expect(events.at(-1)).toMatchObject({ type: 'end' });
  });
});

describe('the same key and another request', () => {
  it('is a conflict', async () => {
    const { viewer } = await storm(1, { clientTurnId: 'mine' });
    const asking = nodes[0].engine.start(viewer, { query: 'Something else?', clientTurnId: 'mine' });
    await expect(asking).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  });

  it('compares after defaults and without onDisconnect', async () => {
    const { viewer, started } = await storm(1, { clientTurnId: 'same' });
    const again = await nodes[0].engine.start(viewer, {
      query: 'Once?',
      clientTurnId: 'same',
      noTools: false,
      generateTopicSummary: true,
      attachments: [],
      onDisconnect: 'CANCEL',
    });
    expect(again.turn.id).toBe(started[0]?.turn.id);
  });
});

describe('without a key', () => {
  it('the UUID operation id of a WebSocket client is the key', async () => {
    const viewer = createViewer();
    const operationId = randomId();
    const [one, two] = await Promise.all([
      nodes[0].engine.start(viewer, { query: 'Once?', operationId }),
      nodes[1].engine.start(viewer, { query: 'Once?', operationId }),
    ]);
    expect(one.turn.id).toBe(two.turn.id);
    expect(one.turn.clientTurnId).toBeNull();
    const other = await nodes[0].engine.start(viewer, { query: 'Something else?', operationId });
    expect(other).toMatchObject({ created: true });
    expect(other.turn.id).not.toBe(one.turn.id);
    await settle(viewer, [one.turn.id, other.turn.id]);
  });

  it('an operation id that is no UUID is not one', async () => {
    const viewer = createViewer();
    const one = await nodes[0].engine.start(viewer, { query: 'Once?', operationId: '1' });
    const two = await nodes[0].engine.start(viewer, { query: 'Once?', operationId: '1' });
    expect(one.turn.id).not.toBe(two.turn.id);
    await settle(viewer, [one.turn.id, two.turn.id]);
  });
});

describe('one running turn per conversation', () => {
  it('refuses a second one, or lets it end the first as SUPERSEDED', async () => {
    const viewer = createViewer();
    const gate = createGate();
    fake.reply({ ...stream(textResponse('A long answer.')), holds: { 6: gate } });
    const { turn } = await nodes[0].engine.start(viewer, { query: 'One?', clientTurnId: newId() });
    const { conversationId } = turn;
    const second = { query: 'Two?', conversationId };
    await expect(nodes[0].engine.start(viewer, second)).rejects.toMatchObject({ code: 'CONVERSATION_BUSY' });
    const next = await nodes[0].engine.start(viewer, { ...second, whenBusy: 'INTERRUPT' });
    expect(next.created).toBe(true);
    expect(await nodes[0].engine.get(viewer, turn.id)).toMatchObject({
      status: 'INTERRUPTED',
      interruptReason: 'SUPERSEDED',
    });
    gate.release();
    const events = await collectEvents(nodes[0].engine, viewer, { turnId: next.turn.id });
    expect(events.at(-1)).toMatchObject({ type: 'end' });
  });
});

describe('a retry', () => {
  it('with the same key is accepted when the question had been refused as CONVERSATION_BUSY', async () => {
    const viewer = createViewer();
    const gate = createGate();
    fake.reply({ ...stream(textResponse('Held.')), holds: { 1: gate } });
    const { turn } = await nodes[0].engine.start(viewer, { query: 'First.' });
    const second = { query: 'Second.', conversationId: turn.conversationId, clientTurnId: newId() };
    await expect(nodes[1].engine.start(viewer, second)).rejects.toMatchObject({ code: 'CONVERSATION_BUSY' });
    gate.release();
    await settle(viewer, [turn.id]);
    const again = await nodes[1].engine.start(viewer, second);
    expect(again.created).toBe(true);
    await settle(viewer, [again.turn.id]);
  });

  it('of a turn that failed needs a new key: the same one gives the failed turn again', async () => {
    const viewer = createViewer();
    fake.reply(status(503, { error: { message: 'busy' } }));
    const input = { query: 'Why?', clientTurnId: newId() };
    const { turn } = await nodes[0].engine.start(viewer, input);
    await settle(viewer, [turn.id]);
    const calls = fake.responses.length;
    const same = await nodes[1].engine.start(viewer, input);
    expect(same).toMatchObject({ created: false, turn: { id: turn.id, status: 'FAILED' } });
    const replayed = await collectEvents(nodes[1].engine, viewer, { turnId: turn.id });
    expect(replayed.at(-1)).toMatchObject({ type: 'error', error: { code: 'BACKEND_UNAVAILABLE' } });
    expect(fake.responses).toHaveLength(calls);
    const fresh = await nodes[1].engine.start(viewer, { ...input, clientTurnId: newId() });
    expect(await nodes[1].engine.wait(viewer, fresh.turn.id, 10_000)).toMatchObject({ status: 'COMPLETED' });
  });
});
