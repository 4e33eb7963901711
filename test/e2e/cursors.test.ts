import { describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestAppOptions } from '../support/app.ts';
import { followTurn, type Payload, TRANSPORTS, toFollowing, toQuestion } from '../support/clients.ts';
import { type FollowedEvent, findGaps, toFollowedEvents } from '../support/clients-events.ts';
import { takeUntilHeld, UPSTREAM } from '../support/cursor-turn.ts';
import { createTestDatabase } from '../support/database.ts';
import { startFakeBackend } from '../support/fake-backend.ts';
import { createGate, stream } from '../support/fake-backend-script.ts';

interface Seen {
  readonly turnId: string;
  readonly events: readonly FollowedEvent[];
}

async function ask(app: TestApp): Promise<Seen> {
  const payloads = await Array.fromAsync(followTurn(app, toQuestion('What does the tide do?')));
  const events = toFollowedEvents(payloads);
  return { turnId: events[0]?.turnId ?? '', events };
}

/** A node for as long as the test uses it. */
async function runApp<T>(options: TestAppOptions, use: (app: TestApp) => Promise<T>): Promise<T> {
  await using app = await startTestApp(options);
  return await use(app);
}

/** What followers receive after every cursor of the events, in order. */
async function followAfterEach(
  follow: (after: string) => AsyncIterable<Payload>,
  events: readonly FollowedEvent[],
): Promise<readonly (readonly FollowedEvent[])[]> {
  return Promise.all(
    events.map(async ({ cursor }) => toFollowedEvents(await Array.fromAsync(follow(cursor)))),
  );
}

/** The rest of the turn after each of its first events. */
function toRests(events: readonly FollowedEvent[], count = events.length) {
  return events.slice(0, count).map((_, index) => events.slice(index + 1));
}

describe.each(TRANSPORTS)('P2: turnEvents over $name', ({ follow }) => {
  const restOf = (app: TestApp, turnId: string) => (cursor: string) =>
    follow(app, toFollowing(turnId, cursor));

  it('gives exactly the rest after every cursor of an ended turn', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    fake.reply(stream(UPSTREAM));
    const { turnId, events } = await ask(app);
    expect(events.length).toBeGreaterThan(12);
    expect(findGaps(events)).toEqual([]);
    expect(await followAfterEach(restOf(app, turnId), events)).toEqual(toRests(events));
  });

  it.each([1, 4, 7, 11, UPSTREAM.length - 1])(
    'gives exactly the rest after every cursor of a turn whose backend stands before event %i',
    async (index) => {
      await using fake = await startFakeBackend();
      await using app = await startTestApp({ backend: fake.url });
      const gate = createGate();
      fake.reply(stream(UPSTREAM, { holds: { [index]: gate } }));
      await using asking = followTurn(app, toQuestion('What does the tide do?'));
      const seen = await takeUntilHeld(asking, index);
      const turnId = seen[0]?.turnId ?? '';
      const rests = followAfterEach(restOf(app, turnId), seen);
      // One follower more shows that the turn is still running when the others have joined.
      await using late = follow(app, toFollowing(turnId));
      const replayed = await takeUntilHeld(late, index);
      expect(replayed).toEqual(seen);
      gate.release();
      const events = [...seen, ...toFollowedEvents(await Array.fromAsync(asking))];
      expect(events.at(-1)?.__typename).toBe('EndEvent');
      expect(await rests).toEqual(toRests(events, seen.length));
      expect([...replayed, ...toFollowedEvents(await Array.fromAsync(late))]).toEqual(events);
    },
  );

  it('gives exactly the rest after every cursor when the server was started again', async () => {
    await using database = await createTestDatabase();
    await using fake = await startFakeBackend();
    const options = { backend: fake.url, databaseUrl: database.url };
    fake.reply(stream(UPSTREAM));
    const { turnId, events } = await runApp(options, ask);
    const rests = await runApp(options, (app) => followAfterEach(restOf(app, turnId), events));
    expect(rests).toEqual(toRests(events));
  });

  it('gives exactly the rest, and the interruption, of a turn that ran when the server was shut down', async () => {
    await using database = await createTestDatabase();
    await using fake = await startFakeBackend();
    const options = { backend: fake.url, databaseUrl: database.url };
    fake.reply(stream(UPSTREAM, { holds: { 11: createGate() } }));
    const seen = await runApp(options, async (app) => {
      await using asking = followTurn(app, toQuestion('What does the tide do?'));
      return await takeUntilHeld(asking, 11);
    });
    const turnId = seen[0]?.turnId ?? '';
    const [all, rests] = await runApp(options, async (app) => [
      toFollowedEvents(await Array.fromAsync(follow(app, toFollowing(turnId)))),
      await followAfterEach(restOf(app, turnId), seen),
    ]);
    expect(all.slice(1, -1)).toEqual(seen.slice(1));
    expect(all.at(-1)).toMatchObject({
      __typename: 'InterruptedEvent',
      reason: 'SHUTDOWN',
      answer: 'The tide',
    });
    expect(rests).toEqual(toRests(all, seen.length));
  });

  it.each([
    ['of another turn', 'other'],
    ['that nobody made', 'nonsense'],
  ])('refuses a cursor %s with CURSOR_INVALID instead of events', async (_, kind) => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    const [one, other] = [await ask(app), await ask(app)];
    const cursor = kind === 'other' ? other.events[1]?.cursor : kind;
    const payloads = await Array.fromAsync(follow(app, toFollowing(one.turnId, cursor)));
    expect(payloads.map(({ errors }) => errors?.map(({ extensions }) => extensions?.code))).toEqual([
      ['CURSOR_INVALID'],
    ]);
  });
});
