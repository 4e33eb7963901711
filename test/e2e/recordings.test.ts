import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/types/json.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { followTurn, type Payload, TRANSPORTS, toFollowing, toQuestion } from '../support/clients.ts';
import {
  type FollowedEvent,
  findGaps,
  toBody,
  toFollowedEvent,
  toFollowedEvents,
  toRepeatable,
} from '../support/clients-events.ts';
import { findDisagreements } from '../support/expected-events.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, FRAMINGS, type Framing, stream } from '../support/fake-backend-script.ts';
import { findFixtures } from '../support/fixtures.ts';
import type { Better, ExpectedTurn } from '../support/recorded-promises.ts';
import {
  failed,
  incomplete,
  message,
  plainAnswer,
  textThenRefusal,
  twoToolRounds,
} from '../support/streams.ts';

let fake: FakeBackend;
let app: TestApp;

beforeAll(async () => {
  fake = await startFakeBackend();
  app = await startTestApp({ backend: fake.url });
});

afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

/** The payloads without the name of the field that was subscribed to, as they were written. */
function toLines(payloads: readonly Payload[]): readonly string[] {
  return toFollowedEvents(payloads).map((event) => JSON.stringify(event));
}

/** The turn of a StartEvent is shown as it is now: once running, then ended. */
function withStatus(lines: readonly string[], status: unknown): readonly string[] {
  return lines.map((line, index) =>
    index === 0 ? line.replace('"status":"RUNNING"', `"status":"${status}"`) : line,
  );
}

interface FollowedTurn {
  /** Of the client that asked. */
  readonly asked: readonly Payload[];
  /** Of the clients that joined before the backend had said anything, by transport. */
  readonly live: readonly (readonly Payload[])[];
  /** Of the clients that came when the turn had ended, by transport. */
  readonly replayed: readonly (readonly Payload[])[];
}

/** Asks once, by WebSocket, and follows the turn over every transport while it runs, and again when it has ended. */
async function followEverywhere(events: readonly JsonObject[]): Promise<FollowedTurn> {
  const gate = createGate();
  fake.reply(stream(events, { holds: { 0: gate } }));
  const asking = followTurn(app, toQuestion('What does the tide do?'));
  const start = (await asking.next()).value ?? undefined;
  const { turnId } = toFollowedEvent(start);
  const followers = TRANSPORTS.map(({ follow }) => follow(app, toFollowing(turnId)));
  const firsts = await Promise.all(followers.map(async (follower) => (await follower.next()).value ?? {}));
  gate.release();
  const asked = [start ?? {}, ...(await Array.fromAsync(asking))];
  const rests = await Promise.all(followers.map((follower) => Array.fromAsync(follower)));
  return {
    asked,
    live: rests.map((rest, index) => [firsts[index] ?? {}, ...rest]),
    replayed: await Promise.all(
      TRANSPORTS.map(({ follow }) => Array.fromAsync(follow(app, toFollowing(turnId)))),
    ),
  };
}

/** The events of the turn, which must be the same for every follower and without gaps. */
async function followAlike(upstream: readonly JsonObject[]): Promise<readonly FollowedEvent[]> {
  const { asked, live, replayed } = await followEverywhere(upstream);
  const events = toFollowedEvents(asked);
  const lines = toLines(asked);
  const { status } = (events.at(-1)?.turn ?? {}) as JsonObject;
  expect(['COMPLETED', 'FAILED']).toContain(status);
  expect(findGaps(events)).toEqual([]);
  for (const payloads of live) expect(toLines(payloads)).toEqual(lines);
  for (const payloads of replayed) expect(toLines(payloads)).toEqual(withStatus(lines, status));
  return events;
}

/** The events that a stream becomes when it is sent in such a framing, the same on every transport. */
async function follow(upstream: readonly JsonObject[], framing: Framing): Promise<readonly FollowedEvent[]> {
  fake.reply(stream(upstream, { framing }));
  const asked = await Array.fromAsync(followTurn(app, toQuestion('What does the tide do?')));
  const events = toFollowedEvents(asked);
  const { turnId, turn } = events.at(-1) as FollowedEvent;
  const lines = withStatus(toLines(asked), (turn as JsonObject).status);
  for (const transport of TRANSPORTS) {
    const replayed = await Array.fromAsync(transport.follow(app, toFollowing(turnId)));
    expect(toLines(replayed), transport.name).toEqual(lines);
  }
  return events;
}

const PLAIN = ['Start', 'Token', 'Token "The tide "', 'Token "is out."'];
const COMPLETE = 'TurnComplete "The tide is out."';
const TOOL = ['ToolCall "tide_table"', 'ToolResult "high at 04:10"'];

/** Streams of this project and what they become, in words. */
const OWN: readonly (readonly [string, readonly JsonObject[], readonly string[]])[] = [
  ['a plain answer', plainAnswer, [...PLAIN, COMPLETE, 'End "STOP"']],
  [
    'two rounds of tools',
    twoToolRounds,
    [
      'Start',
      ...TOOL,
      'Token "One moment."',
      ...TOOL,
      'Token "\\n\\n"',
      'Token "High tide is at 04:10."',
      'TurnComplete "One moment.\\n\\nHigh tide is at 04:10."',
      'End "STOP"',
    ],
  ],
  [
    'a text that turns into a refusal',
    textThenRefusal,
    [
      'Start',
      'Token',
      'Token "First"',
      'Token "\\n\\n"',
      'Token "I must "',
      'Token "stop."',
      'TurnComplete "First\\n\\nI must stop."',
      'End "REFUSAL"',
    ],
  ],
  ['an answer that breaks off', plainAnswer.slice(0, -2), [...PLAIN, 'Error "BACKEND_PROTOCOL"']],
  [
    'an answer that fails',
    [...plainAnswer.slice(0, -1), failed('server_error', 'The tide is too high')],
    [...PLAIN, 'Error "BACKEND_ERROR"'],
  ],
  [
    'an answer that is too long',
    [...plainAnswer.slice(0, -1), incomplete('max_output_tokens', [message('The tide is out.')])],
    [...PLAIN, COMPLETE, 'End "MAX_OUTPUT_TOKENS"'],
  ],
];

function toWords({ __typename, ...event }: FollowedEvent): string {
  const { token, answer, finishReason, code, name, content } = event;
  const text = token ?? answer ?? finishReason ?? code ?? name ?? content ?? '';
  return [__typename.replace('Event', ''), ...(text === '' ? [] : [JSON.stringify(text)])].join(' ');
}

describe('a stream of a backend', () => {
  it.each(OWN)(
    '%s is followed on every transport, live and again, as the same events',
    async (_, upstream, words) => {
      const events = await followAlike(upstream);
      expect(events.map(toWords)).toEqual(words);
    },
  );
});

const fixtures = findFixtures();

if (fixtures) {
  const better = fixtures.readJson('better.json') as Readonly<Record<string, Better>>;

  describe('recorded streams', () => {
    it('are all seen', () => {
      expect(fixtures.names.length).toBeGreaterThanOrEqual(100);
    });

    it.each(fixtures.names)('%s is followed alike on every transport, and as promised', async (name) => {
      const upstream = fixtures.read(name);
      const events = await followAlike(upstream);
      const expected = fixtures.readJson(`expected/${name}.json`) as ExpectedTurn;
      const recording = { upstream, expected, better: better[name] ?? {} };
      expect(findDisagreements(recording, events.map(toBody))).toEqual([]);
    });

    it.each(fixtures.names)('%s becomes the same however its events are written down', async (name) => {
      const upstream = fixtures.read(name);
      const plain = (await follow(upstream, 'lf')).map(toRepeatable);
      for (const framing of FRAMINGS) {
        const events = await follow(upstream, framing);
        expect(events.map(toRepeatable), framing).toEqual(plain);
      }
    });
  });
} else {
  describe('recorded streams', () => {
    it('ARE NOT HERE: the folder ../shared/fixtures/responses is missing, only the streams of this project were tested', () => {
      expect(fixtures).toBeUndefined();
    });
  });
}
