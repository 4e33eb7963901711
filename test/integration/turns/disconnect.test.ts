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
const GRACE_MS = 200;
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
