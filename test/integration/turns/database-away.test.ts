/** The database comes and goes: nothing terminal is said before it is stored, and nothing needs a restart. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrateDatabase } from '../../../src/db/migrate.ts';
import { isTerminal, type TurnEvent } from '../../../src/types/turn-event.ts';
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
import { startTestPostgres, type TestPostgres } from '../../support/postgres.ts';

const viewer = createViewer();
const TEXT = 'One two three.';
const events = textResponse(TEXT, { pieces: ['One ', 'two ', 'three.'] });
let postgres: TestPostgres;
let fake: FakeBackend;
let node: TestEngine;

beforeEach(async () => {
  postgres = await startTestPostgres();
  await migrateDatabase(postgres.url);
  fake = await startFakeBackend();
  const config = { turns: { flushMs: 20, followerStallMs: 60_000 } };
  node = await startTestEngine({ databaseUrl: postgres.url, backend: fake.url, config });
});
afterEach(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

/** A turn whose backend has one more piece to say, and a follower that notes what it sees. */
async function startHeld() {
  const gate = createGate();
  fake.reply({ ...stream(events), holds: { 6: gate } });
  const { turn } = await node.engine.start(viewer, { query: 'Count.' });
  const seen: TurnEvent[] = [];
  const controller = new AbortController();
  const batches = await node.engine.follow(viewer, { turnId: turn.id }, controller.signal);
  const following = (async () => {
    for await (const batch of batches) seen.push(...batch);
  })();
  await expect.poll(() => joinTokens(seen)).toBe('One two ');
  return { turn, gate, seen, following };
}

describe('P4: the database stopped at the moment of finishing', () => {
  it('nothing terminal is sent until it is back, then the answer is whole', async () => {
    const { turn, gate, seen, following } = await startHeld();
    await postgres.stop();
    gate.release();
    await expect.poll(() => seen.at(-1)?.type).toBe('turn_complete');
    await expect(node.engine.get(viewer, turn.id)).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    expect(seen.some(isTerminal)).toBe(false);
    await postgres.start();
    await following;
    expect(seen.map((event) => event.seq)).toEqual(seen.map((_, index) => index + 1));
    expect(seen.at(-1)).toMatchObject({ type: 'end', finishReason: 'STOP' });
    expect(await node.engine.get(viewer, turn.id)).toMatchObject({ status: 'COMPLETED', answer: TEXT });
    expect(await collectEvents(node.engine, viewer, { turnId: turn.id })).toEqual(seen);
  });

  it('followers are told to come back when it stays away', async () => {
    const config = { turns: { flushMs: 20, followerStallMs: 300 } };
    await using hasty = await startTestEngine({ databaseUrl: postgres.url, backend: fake.url, config });
    const gate = createGate();
    fake.reply({ ...stream(events), holds: { 6: gate } });
    const { turn } = await hasty.engine.start(viewer, { query: 'Count.' });
    const follow = { viewer, input: { turnId: turn.id } };
    await collectUntil(hasty.engine, follow, (list) => joinTokens(list) === 'One two ');
    const following = collectEvents(hasty.engine, viewer, { turnId: turn.id });
    const told = expect(following).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    await expect.poll(() => hasty.eventLog.lastSeq(turn.id)).toBeGreaterThan(3);
    await postgres.stop();
    gate.release();
    await told;
    await postgres.start();
    await expect
      .poll(() => hasty.engine.get(viewer, turn.id).catch(() => null), { timeout: 15_000 })
      .toMatchObject({ status: 'COMPLETED' });
  });
});

describe('the database away', () => {
  it('refuses questions with DEPENDENCY_UNAVAILABLE and answers them when it is back, without a restart', async () => {
    await postgres.stop();
    await expect(node.engine.start(viewer, { query: 'Hello?' })).rejects.toMatchObject({
      code: 'DEPENDENCY_UNAVAILABLE',
    });
    expect(fake.responses).toHaveLength(0);
    await postgres.start();
    await expect
      .poll(() =>
        node.database.ping().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    const { turn } = await node.engine.start(viewer, { query: 'Hello?' });
    expect((await collectEvents(node.engine, viewer, { turnId: turn.id })).at(-1)).toMatchObject({
      type: 'end',
    });
  });

  it('for a while in mid-turn costs nothing: every event is stored in the end', async () => {
    const { turn, gate, seen, following } = await startHeld();
    await postgres.stop();
    await postgres.start();
    gate.release();
    await following;
    expect(seen.at(-1)).toMatchObject({ type: 'end' });
    expect(await collectEvents(node.engine, viewer, { turnId: turn.id })).toEqual(seen);
  });
});
