/** Failures as clients read them: a GraphQL error before the first event, an ErrorEvent after it, with the same fields. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';
import { newId } from '../../src/lib/ids.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Payload, TRANSPORTS, toFollowing, toQuestion } from '../support/clients.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, type Script, status, stream, textResponse } from '../support/fake-backend-script.ts';

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

type Event = Readonly<Record<string, unknown>>;

function toEvent(payload: Payload | undefined): Event {
  const [event] = Object.values(payload?.data ?? {});
  return (event ?? {}) as Event;
}

const said = (message: string) => ({ error: { message, type: 'x', code: null } });
const begun = textResponse('Some text.').slice(0, 5);

describe.each(TRANSPORTS)('over $name', ({ follow }) => {
  const ask = (input: Readonly<Record<string, unknown>> = {}) =>
    Array.fromAsync(follow(app, toQuestion('Why?', { generateTopicSummary: false, ...input })));

  it('a failure before the first event is one error with code, cause, retryable and requestId', async () => {
    const conversationId = newId();
    const payloads = await ask({ conversationId });
    expect(payloads).toHaveLength(1);
    expect(payloads[0]?.errors?.map(({ message, extensions }) => ({ message, extensions }))).toEqual([
      {
        message: 'Conversation not found',
        extensions: {
          code: 'NOT_FOUND',
          cause: `Conversation with ID ${conversationId} does not exist`,
          retryable: false,
          requestId: expect.any(String),
        },
      },
    ]);
  });

  it('a conversation that is busy is retryable', async () => {
    const gate = createGate();
    fake.reply({ ...stream(textResponse('Held.')), holds: { 5: gate } });
    const first = follow(app, toQuestion('First.', { generateTopicSummary: false }));
    const { conversationId } = toEvent((await first.next()).value ?? undefined);
    const [refusal] = await ask({ conversationId });
    expect(refusal?.errors?.[0]?.extensions).toMatchObject({ code: 'CONVERSATION_BUSY', retryable: true });
    gate.release();
    expect((await Array.fromAsync(first)).map(toEvent).at(-1)).toMatchObject({ __typename: 'EndEvent' });
  });

  it.each<[string, Script, Event]>([
    [
      'a limit of the backend',
      status(429, said('slow down'), { 'retry-after': '2' }),
      { code: 'RATE_LIMITED', retryAfterMs: 2_000 },
    ],
    [
      'a prompt that is too long',
      status(413, said('too long')),
      { code: 'PROMPT_TOO_LONG', message: 'Prompt is too long' },
    ],
    ['a stream that breaks off', stream(begun), { code: 'BACKEND_PROTOCOL' }],
    [
      'an error of the backend in mid-stream',
      stream([...begun, { type: 'error', message: 'broken', code: 'server_error' }]),
      { code: 'BACKEND_ERROR', cause: expect.stringContaining('broken') },
    ],
  ])(
    '%s is an ErrorEvent with the same fields, also when it is replayed',
    async (_what, script, expected) => {
      fake.reply(script);
      const payloads = await ask();
      const event = toEvent(payloads.at(-1));
      const code = String(event.code) as keyof typeof ERROR_CODES;
      expect(payloads.flatMap(({ errors = [] }) => errors)).toEqual([]);
      expect(event).toMatchObject({
        __typename: 'ErrorEvent',
        message: expect.stringMatching(/./),
        retryable: ERROR_CODES[code].retryable,
        retryAfterMs: null,
        resetAt: null,
        requestId: expect.any(String),
        ...expected,
      });
      const again = await Array.fromAsync(follow(app, toFollowing(String(event.turnId))));
      expect(toEvent(again.at(-1))).toEqual(event);
    },
  );
});
