/** Following a turn: replay from any cursor, then live, on the writing node and on another one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toCursor, toCursorPrefix } from '../../../src/lib/cursor.ts';
import type { FollowTurnInput } from '../../../src/turns/engine.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
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

const TEXT = 'Alpha beta gamma delta epsilon zeta eta theta.';
const viewer = createViewer();
let db: TestDatabase;
let fake: FakeBackend;
let owner: TestEngine;
let other: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  const options = { databaseUrl: db.url, backend: fake.url, config: { turns: { flushMs: 20 } } };
  owner = await startTestEngine(options);
  other = await startTestEngine(options);
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await owner[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const cursorOf = (event: TurnEvent): string => toCursor(toCursorPrefix(event.turnId), event.epoch, event.seq);
const EVENTS = textResponse(TEXT, { pieces: TEXT.match(/.{1,4}/g) ?? [] });

const INTERVAL_MS = 150;
/** By how much a timer of Node may be early by another clock. */
const CLOCK_MS = 5;

/** Follows to the end of the turn and notes in milliseconds when each event was handed out. */
async function collectTimed(
  { engine }: TestEngine,
  input: FollowTurnInput,
): Promise<readonly { readonly event: TurnEvent; readonly at: number }[]> {
  const timed: { event: TurnEvent; at: number }[] = [];
  for await (const batch of await engine.follow(viewer, input, new AbortController().signal))
    for (const event of batch) timed.push({ event, at: performance.now() });
  return timed;
}

async function ask(): Promise<readonly TurnEvent[]> {
  fake.reply(stream(EVENTS));
  const { turn } = await owner.engine.start(viewer, { query: 'Letters?' });
  return collectEvents(owner.engine, viewer, { turnId: turn.id });
}

describe('a finished turn', () => {
  it('is ordered and free of gaps, with one terminal event at the end', async () => {
    const events = await ask();
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.map((event) => event.fromSeq)).toEqual(events.map((event) => event.seq));
    expect(events.filter((event) => ['end', 'error', 'interrupted'].includes(event.type))).toHaveLength(1);
    expect(joinTokens(events)).toBe(TEXT);
  });

  it('is on every node what it was live, and after every cursor exactly the rest', async () => {
    const events = await ask();
    const turnId = events[0]?.turnId ?? '';
    for (const node of [owner, other]) {
      expect(await collectEvents(node.engine, viewer, { turnId })).toEqual(events);
      for (const [index, event] of events.entries()) {
        const rest = await collectEvents(node.engine, viewer, { turnId, after: cursorOf(event) });
        expect(rest).toEqual(events.slice(index + 1));
      }
    }
  });

  it('refuses cursors that are not its own before it sends anything', async () => {
    const [events, others] = [await ask(), await ask()];
    const turnId = events[0]?.turnId ?? '';
    const prefix = toCursorPrefix(turnId);
    const bad = [
      'garbage',
      '',
      cursorOf(others[0] as TurnEvent),
      toCursor(prefix, 1, 999),
      toCursor(prefix, 2, 1),
      `${prefix}.1.-1`,
    ];
    for (const after of bad) {
      const following = other.engine.follow(viewer, { turnId, after }, new AbortController().signal);
      await expect(following, after).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
    }
  });

  it('is made anew from its row when its events are gone: Start, TurnComplete, End', async () => {
    const events = await ask();
    const turnId = events[0]?.turnId ?? '';
    await db.database.driver`DELETE FROM turn_event_batch WHERE turn_id = ${turnId}`;
    const made = await collectEvents(other.engine, viewer, { turnId });
    expect(made.map((event) => [event.type, event.fromSeq, event.seq])).toEqual([
      ['start', 1, 1],
      ['turn_complete', 2, events.length - 1],
      ['end', events.length, events.length],
    ]);
    expect(made[1]).toMatchObject({ answer: TEXT });
    const after = cursorOf(events[3] as TurnEvent);
    const following = other.engine.follow(viewer, { turnId, after }, new AbortController().signal);
    await expect(following).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  });
});

describe('a running turn', () => {
  it('gives exactly the rest after every cursor, on its node and on another', async () => {
    const gate = createGate();
    fake.reply({ ...stream(EVENTS), holds: { 10: gate } });
    const { turn } = await owner.engine.start(viewer, { query: 'Letters?' });
    const follow = { viewer, input: { turnId: turn.id } };
    const seen = await collectUntil(owner.engine, follow, (events) => joinTokens(events).length > 15);
    const rests = [owner, other].flatMap((node) =>
      seen.map((event) => collectEvents(node.engine, viewer, { turnId: turn.id, after: cursorOf(event) })),
    );
    const whole = collectEvents(other.engine, viewer, { turnId: turn.id });
    gate.release();
    const events = await whole;
    expect(joinTokens(events)).toBe(TEXT);
    for (const [index, rest] of (await Promise.all(rests)).entries()) {
      expect(rest).toEqual(events.slice((index % seen.length) + 1));
    }
  });

  it('goes on when its followers leave, and is stored', async () => {
    const gate = createGate();
    fake.reply({ ...stream(EVENTS), holds: { 6: gate } });
    const { turn } = await owner.engine.start(viewer, { query: 'Letters?' });
    await collectUntil(owner.engine, { viewer, input: { turnId: turn.id } }, (events) => events.length > 1);
    gate.release();
    expect(await owner.engine.wait(viewer, turn.id, 10_000)).toMatchObject({
      status: 'COMPLETED',
      answer: TEXT,
    });
  });

  it('shows the text so far to who reads it', async () => {
    const gate = createGate();
    fake.reply({ ...stream(EVENTS), holds: { 8: gate } });
    const { turn } = await owner.engine.start(viewer, { query: 'Letters?' });
    const follow = { viewer, input: { turnId: turn.id } };
    const seen = joinTokens(await collectUntil(other.engine, follow, (events) => joinTokens(events) !== ''));
    const running = await other.engine.get(viewer, turn.id);
    expect(running.status).toBe('RUNNING');
    expect(TEXT.startsWith(running.answer) && running.answer.startsWith(seen)).toBe(true);
    expect(await other.engine.wait(viewer, turn.id, 1)).toMatchObject({ status: 'RUNNING' });
    gate.release();
    await other.engine.wait(viewer, turn.id, 10_000);
  });

  it('gives a follower that asks for fewer at most one delta in its time, here and elsewhere, live and later', async () => {
    fake.reply(stream(EVENTS, { eventsPerSecond: 50 }));
    const { turn } = await owner.engine.start(viewer, { query: 'Letters?' });
    const input = { turnId: turn.id, minIntervalMs: INTERVAL_MS };
    const live = await Promise.all([owner, other].map((node) => collectTimed(node, input)));
    const later = await Promise.all([owner, other].map((node) => collectTimed(node, input)));
    for (const timed of [...live, ...later]) {
      const events = timed.map(({ event }) => event);
      expect(events.map(({ fromSeq }) => fromSeq)).toEqual([
        1,
        ...events.slice(0, -1).map(({ seq }) => seq + 1),
      ]);
      expect(joinTokens(events)).toBe(TEXT);
      const times = timed.filter(({ event }) => event.type === 'token').map(({ at }) => at);
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
      expect(gaps.filter((gap) => gap < INTERVAL_MS - CLOCK_MS)).toEqual([]);
    }
    expect(later.map((timed) => timed.filter(({ event }) => event.type === 'token').length)).toEqual([1, 1]);
  });
});
