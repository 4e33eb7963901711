/** Cursors on another node than the one that they come from: a cut anywhere, on every transport, loses and repeats nothing. */
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/client.ts';
import { toCursor, toCursorPrefix } from '../../src/lib/cursor.ts';
import { startTestNodes, type TestApp } from '../support/app.ts';
import {
  type Follow,
  followTurn,
  type Payload,
  TRANSPORTS,
  toFollowing,
  toQuestion,
} from '../support/clients.ts';
import {
  type FollowedEvent,
  findGaps,
  foldDeltas,
  toFollowedEvent,
  toFollowedEvents,
} from '../support/clients-events.ts';
import { takeUntilHeld, UPSTREAM } from '../support/cursor-turn.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, stream } from '../support/fake-backend-script.ts';

const QUESTION = toQuestion('What does the tide do?');

/** Two nodes of one service with one backend. */
async function startPair() {
  const resources = new AsyncDisposableStack();
  const fake: FakeBackend = resources.use(await startFakeBackend());
  const { nodes } = resources.use(await startTestNodes({ backend: fake.url }));
  const [here, there] = nodes;
  return { fake, here, there, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Follows on one node until so many events have come, and from there on another. */
async function cut(
  follow: Follow,
  turn: { readonly id: string; readonly count: number },
  [first, second]: readonly [TestApp, TestApp],
): Promise<readonly FollowedEvent[]> {
  const head: FollowedEvent[] = [];
  for await (const payload of follow(first, toFollowing(turn.id))) {
    head.push(toFollowedEvent(payload));
    if (head.length === turn.count) break;
  }
  const rest = await Array.fromAsync(follow(second, toFollowing(turn.id, head.at(-1)?.cursor)));
  return [...head, ...toFollowedEvents(rest)];
}

/** The turn of a StartEvent is read when the event is: a follower that comes late may find it ended. */
const withoutTurn = (event: FollowedEvent): FollowedEvent =>
  event.__typename === 'StartEvent' ? { ...event, turn: null } : event;

/** A reader that is slow, on a machine that is, gets fewer deltas with the same text. */
function expectSame(events: readonly FollowedEvent[], expected: readonly FollowedEvent[]): void {
  expect(findGaps(events)).toEqual([]);
  expect(foldDeltas(events).map(withoutTurn)).toEqual(foldDeltas(expected).map(withoutTurn));
}

const toCodes = (payloads: readonly Payload[]) =>
  payloads.map(({ errors }) => errors?.map(({ extensions }) => extensions?.code));

describe.each(TRANSPORTS)('P2: a turn that is cut and resumed on the other node over $name', ({ follow }) => {
  it('is whole, wherever it was cut, when it had ended', async () => {
    await using pair = await startPair();
    const { fake, here, there } = pair;
    fake.reply(stream(UPSTREAM));
    const events = toFollowedEvents(await Array.fromAsync(followTurn(here, QUESTION)));
    expect(events.length).toBeGreaterThan(12);
    const id = events[0]?.turnId ?? '';
    const uncut = toFollowedEvents(await Array.fromAsync(follow(here, toFollowing(id))));
    expect(uncut.slice(1)).toEqual(events.slice(1));
    for (const [index] of events.entries()) {
      const turn = { id, count: index + 1 };
      expectSame(await cut(follow, turn, [here, there]), uncut);
      expectSame(await cut(follow, turn, [there, here]), uncut);
    }
  });

  it.each([1, 4, 7, 11, UPSTREAM.length - 1])(
    'is whole, wherever it was cut, when its backend stood before event %i',
    async (index) => {
      await using pair = await startPair();
      const { fake, here, there } = pair;
      const gate = createGate();
      fake.reply(stream(UPSTREAM, { holds: { [index]: gate } }));
      await using asking = followTurn(here, QUESTION);
      const seen = await takeUntilHeld(asking, index);
      const id = seen[0]?.turnId ?? '';
      const cuts = seen.flatMap((_, at) => [
        cut(follow, { id, count: at + 1 }, [here, there]),
        cut(follow, { id, count: at + 1 }, [there, here]),
      ]);
      // One follower more shows that the turn still runs when all that was there has come to the other node.
      await using late = follow(there, toFollowing(id));
      expectSame(await takeUntilHeld(late, index), seen);
      gate.release();
      const events = [...seen, ...toFollowedEvents(await Array.fromAsync(asking))];
      expect(events.at(-1)?.__typename).toBe('EndEvent');
      for (const whole of await Promise.all(cuts)) expectSame(whole, events);
    },
  );

  it('refuses cursors that are not its own, while it runs elsewhere and when it has ended', async () => {
    await using pair = await startPair();
    const { fake, here, there } = pair;
    const other = toFollowedEvents(await Array.fromAsync(followTurn(here, QUESTION)));
    const gate = createGate();
    fake.reply(stream(UPSTREAM, { holds: { 4: gate } }));
    await using asking = followTurn(here, QUESTION);
    const seen = await takeUntilHeld(asking, 4);
    const id = seen[0]?.turnId ?? '';
    const prefix = toCursorPrefix(id);
    const bad = ['nonsense', '', `${prefix}.1.-1`, toCursor(prefix, 0, 1), toCursor(prefix, 2, 1)];
    const refuse = (after: string | undefined) =>
      Array.fromAsync(follow(there, toFollowing(id, after)))
        // Over WebSocket, what fails while it is followed comes as an error of the operation.
        .catch((errors: Payload['errors']) => (errors ? [{ errors }] : []))
        .then(toCodes);
    const whileRunning = [...bad, other[1]?.cursor].map(refuse);
    for (const codes of await Promise.all(whileRunning)) expect(codes).toEqual([['CURSOR_INVALID']]);
    const beyond = refuse(toCursor(prefix, 1, 999));
    gate.release();
    await Array.fromAsync(asking);
    expect(await beyond).toEqual([['CURSOR_INVALID']]);
    const afterEnd = [...bad, other[1]?.cursor, toCursor(prefix, 1, 999)].map(refuse);
    for (const codes of await Promise.all(afterEnd)) expect(codes).toEqual([['CURSOR_INVALID']]);
  });

  it('says of a cursor whose events are deleted that it has expired, on every node', async () => {
    await using pair = await startPair();
    const { fake, here, there } = pair;
    fake.reply(stream(UPSTREAM));
    const events = toFollowedEvents(await Array.fromAsync(followTurn(here, QUESTION)));
    const id = events[0]?.turnId ?? '';
    await using database = openDatabase({ url: here.databaseUrl, poolSize: 2 });
    await database.driver`DELETE FROM turn_event_batch WHERE turn_id = ${id}`;
    for (const node of [here, there]) {
      const payloads = await Array.fromAsync(follow(node, toFollowing(id, events[2]?.cursor)));
      expect(toCodes(payloads)).toEqual([['CURSOR_EXPIRED']]);
    }
  });
});
