/** What becomes of a turn when nobody follows it any more. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DisconnectPolicy } from '../../../src/turns/engine.ts';
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

const viewer = createViewer();
/** Long enough for a busy machine to follow a turn that has just begun. */
const GRACE_MS = 1_000;
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url, disconnectGraceMs: GRACE_MS });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** A turn that has said `One ` and waits for the gate before it says `two.` */
async function startHeld(onDisconnect?: DisconnectPolicy) {
  const gate: Gate = createGate();
  fake.reply({ ...stream(textResponse('One two.', { pieces: ['One ', 'two.'] })), holds: { 5: gate } });
  const calls = fake.responses.length;
  const { turn } = await node.engine.start(viewer, { query: 'Count.', onDisconnect });
  return { gate, turnId: turn.id, upstream: await fake.received(calls + 1) };
}

/** Follows until something was said, then leaves. */
const followShortly = (turnId: string) =>
  collectUntil(node.engine, { viewer, input: { turnId } }, (events) => joinTokens(events) !== '');

/** Resolves when a turn that began after all others was stopped for want of followers: they would have been, too. */
async function passGraceTime(): Promise<void> {
  const { turnId } = await startHeld('CANCEL');
  expect(await node.engine.wait(viewer, turnId, 10_000)).toMatchObject({ interruptReason: 'DISCONNECTED' });
}

describe('onDisconnect: CANCEL', () => {
  it('stops the turn after the grace time, keeps its text and ends the request to the backend', async () => {
    const { turnId, upstream } = await startHeld('CANCEL');
    await followShortly(turnId);
    expect(await node.engine.wait(viewer, turnId, 10_000)).toMatchObject({
      status: 'INTERRUPTED',
      interruptReason: 'DISCONNECTED',
      answer: 'One ',
    });
    await upstream.closed;
    expect(upstream.aborted).toBe(true);
    const replayed = await collectEvents(node.engine, viewer, { turnId });
    expect(replayed.at(-1)).toMatchObject({ type: 'interrupted', reason: 'DISCONNECTED', answer: 'One ' });
  });

  it('lets the turn go on as long as one follower stays', async () => {
    const { turnId, gate } = await startHeld('CANCEL');
    const stays = collectEvents(node.engine, viewer, { turnId });
    await followShortly(turnId);
    await passGraceTime();
    gate.release();
    expect((await stays).at(-1)).toMatchObject({ type: 'end' });
  });

  it('lets the turn go on when a follower is back within the grace time', async () => {
    const { turnId, gate } = await startHeld('CANCEL');
    await followShortly(turnId);
    const back = collectEvents(node.engine, viewer, { turnId });
    await passGraceTime();
    gate.release();
    expect((await back).at(-1)).toMatchObject({ type: 'end' });
  });
});

describe('onDisconnect: CONTINUE', () => {
  it.each<DisconnectPolicy | undefined>(['CONTINUE', undefined])(
    'answers and stores the turn though nobody follows: %s',
    async (onDisconnect) => {
      const { turnId, gate } = await startHeld(onDisconnect);
      await followShortly(turnId);
      await passGraceTime();
      gate.release();
      expect(await node.engine.wait(viewer, turnId, 10_000)).toMatchObject({
        status: 'COMPLETED',
        answer: 'One two.',
      });
    },
  );
});

describe('onDisconnect: CANCEL over two nodes', () => {
  const LONG_GRACE_MS = 1_500;
  let owner: TestEngine;
  let other: TestEngine;
  beforeAll(async () => {
    const options = { databaseUrl: db.url, backend: fake.url, disconnectGraceMs: LONG_GRACE_MS };
    owner = await startTestEngine(options);
    other = await startTestEngine(options);
  });
  afterAll(async () => {
    await other[Symbol.asyncDispose]();
    await owner[Symbol.asyncDispose]();
  });

  async function startUnfollowed(onDisconnect: DisconnectPolicy = 'CANCEL') {
    const gate: Gate = createGate();
    fake.reply({ ...stream(textResponse('One two.', { pieces: ['One ', 'two.'] })), holds: { 5: gate } });
    const { turn } = await owner.engine.start(viewer, { query: 'Count.', onDisconnect });
    return { gate, turnId: turn.id };
  }
  async function readFollowedUntil(turnId: string): Promise<number | null> {
    const [row] = await db.database.driver<{ ms: number | null }[]>`
      SELECT (extract(epoch FROM followed_until) * 1000)::float8 AS ms FROM turn WHERE id = ${turnId}`;
    return row?.ms ?? null;
  }
  /** Milliseconds by the database's clock. */
  async function readClock(): Promise<number> {
    const [row] = await db.database.driver<{ ms: number }[]>`
      SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms`;
    return row?.ms ?? 0;
  }

  it('lets the turn go on while it is followed on another node than the one that runs it', async () => {
    const { turnId, gate } = await startUnfollowed();
    const stays = collectEvents(other.engine, viewer, { turnId });
    const first = (await readFollowedUntil(turnId)) ?? 0;
    // By then the owner has asked at least once: its own grace time was over.
    const isLater = async () => ((await readFollowedUntil(turnId)) ?? 0) - first;
    await expect.poll(isLater, { timeout: 20_000 }).toBeGreaterThan(LONG_GRACE_MS * 1.5);
    gate.release();
    expect((await stays).at(-1)).toMatchObject({ type: 'end' });
  });

  it('stops it the grace time after the last follower has left, wherever that was', async () => {
    const { turnId } = await startUnfollowed();
    const controller = new AbortController();
    const batches = await other.engine.follow(viewer, { turnId }, controller.signal);
    for await (const batch of batches) if (joinTokens(batch) !== '') break;
    const leftAt = await readClock();
    controller.abort();
    const ended = await other.engine.wait(viewer, turnId, 20_000);
    expect(ended).toMatchObject({ interruptReason: 'DISCONNECTED', interruptedBy: null, answer: 'One ' });
    // The last third is what a lost last word would cost.
    expect((ended.completedAt?.getTime() ?? 0) - leftAt).toBeGreaterThan((LONG_GRACE_MS * 2) / 3 - 100);
  });

  it('is kept to when a node with a follower is gone without a word', async () => {
    const { turnId } = await startUnfollowed();
    const until = await readClock();
    await db.database.driver`
      UPDATE turn SET followed_until = to_timestamp(${(until + 2 * LONG_GRACE_MS) / 1000}::float8) WHERE id = ${turnId}`;
    const ended = await other.engine.wait(viewer, turnId, 20_000);
    expect(ended).toMatchObject({ interruptReason: 'DISCONNECTED' });
    expect((ended.completedAt?.getTime() ?? 0) - until).toBeGreaterThanOrEqual(2 * LONG_GRACE_MS - 1);
  });

  it('writes nothing for a turn that goes on anyway', async () => {
    const { turnId, gate } = await startUnfollowed('CONTINUE');
    const stays = collectEvents(other.engine, viewer, { turnId });
    await expect.poll(async () => (await other.engine.get(viewer, turnId)).answer).toBe('One ');
    expect(await readFollowedUntil(turnId)).toBeNull();
    gate.release();
    expect((await stays).at(-1)).toMatchObject({ type: 'end' });
  });
});
