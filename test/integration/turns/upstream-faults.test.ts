/** Whatever a backend does wrong, a turn has exactly one end with one code, keeps what had arrived, and tells no secrets. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BackendConfig } from '../../../src/config/config.ts';
import type { ErrorCode } from '../../../src/types/error-code.ts';
import type { JsonObject } from '../../../src/types/json.ts';
import { isTerminal, type TurnEvent } from '../../../src/types/turn-event.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  collectEvents,
  createViewer,
  joinTokens,
  startTestEngine,
  type TestEngine,
} from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { type Script, status, stream, textResponse } from '../../support/fake-backend-script.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from '../../support/tls.ts';

const viewer = createViewer();
const KEY = 'key-0123456789abcdef';
const HASTE_MS = 250;
const WHOLE = 'Some text that goes on.';
const whole = textResponse(WHOLE, { pieces: ['Some text', ' that goes on.'] });
/** Up to and including the first delta. */
const begun = whole.slice(0, 5);
const [firstDelta, secondDelta] = whole.slice(4, 6) as [JsonObject, JsonObject];
const completed = whole.at(-1) as JsonObject;
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  node = await startNode({});
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

function startNode(overrides: Partial<Pick<BackendConfig, 'baseUrl' | 'firstEventTimeoutMs'>>) {
  const backend = { id: 'fake', kind: 'other' as const, apiKey: KEY, models: ['m'], idleTimeoutMs: HASTE_MS };
  return startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: { backends: [{ ...backend, baseUrl: fake.url, ...overrides }] },
  });
}

async function ask(asked: TestEngine): Promise<readonly TurnEvent[]> {
  const { turn } = await asked.engine.start(viewer, { query: 'Will this work?' });
  return collectEvents(asked.engine, viewer, { turnId: turn.id });
}

/** Holds for every ending: one terminal event, at the end, the same in the turn, and nothing that is the server's own. */
async function expectOneEnd(
  asked: TestEngine,
  seen: readonly TurnEvent[],
  { text, answer = text }: { readonly text: string; readonly answer?: string },
): Promise<void> {
  expect(seen.filter(isTerminal)).toEqual(seen.slice(-1));
  expect(joinTokens(seen)).toBe(text);
  const told = JSON.stringify(seen);
  expect(told).not.toContain(KEY);
  expect(told).not.toContain(new URL(fake.url).host);
  const turn = await asked.engine.get(viewer, seen[0]?.turnId ?? '');
  expect(turn.answer).toBe(answer);
}

const said = (message: string) => ({ error: { message: `${message} (Bearer ${KEY})`, type: 'x' } });
const html = { 'content-type': 'text/html' };

interface Fault {
  readonly what: string;
  readonly script: Script | (() => Script);
  readonly code: ErrorCode;
  readonly text?: string;
  /** Absent: the client is not told how long to wait. */
  readonly retryAfterMs?: number;
}

const FAULTS: readonly Fault[] = [
  { what: '401', script: status(401, said('Incorrect API key')), code: 'BACKEND_ERROR' },
  { what: '403', script: status(403, said('No')), code: 'BACKEND_ERROR' },
  { what: '404', script: status(404, said('No model')), code: 'BACKEND_ERROR' },
  { what: '408', script: status(408, said('Late')), code: 'BACKEND_TIMEOUT' },
  { what: '413', script: status(413, said('Long')), code: 'PROMPT_TOO_LONG' },
  {
    what: '429',
    script: status(429, said('Slow'), { 'retry-after': '2' }),
    code: 'RATE_LIMITED',
    retryAfterMs: 2_000,
  },
  { what: '500', script: status(500, said('Oops')), code: 'BACKEND_ERROR' },
  { what: '502', script: status(502, '<html>Bad Gateway', html), code: 'BACKEND_ERROR' },
  { what: '503', script: status(503, said('Busy')), code: 'BACKEND_UNAVAILABLE' },
  { what: '504', script: status(504, '', html), code: 'BACKEND_TIMEOUT' },
  { what: 'a web page with 200', script: status(200, `<html>${KEY}`, html), code: 'BACKEND_PROTOCOL' },
  { what: 'a reset before headers', script: { kind: 'reset' }, code: 'BACKEND_UNAVAILABLE' },
  {
    what: 'a reset in the middle',
    script: stream(begun, { breaks: { after: 5, how: 'reset' } }),
    code: 'BACKEND_PROTOCOL',
    text: 'Some text',
  },
  { what: 'a clean cut', script: stream(begun), code: 'BACKEND_PROTOCOL', text: 'Some text' },
  {
    what: 'a stall in the middle',
    script: stream(begun, { breaks: { after: 5, how: 'stall' } }),
    code: 'BACKEND_TIMEOUT',
    text: 'Some text',
  },
  { what: 'bad JSON', script: stream([...begun, '{"a":']), code: 'BACKEND_PROTOCOL', text: 'Some text' },
  {
    what: 'a frame above the bound',
    script: stream([...begun, { type: 'x', pad: 'x'.repeat(17 * 1024 * 1024) }]),
    code: 'BACKEND_PROTOCOL',
    text: 'Some text',
  },
  {
    what: 'an error event with the key in it',
    script: stream([...begun, { type: 'error', message: `refused ${KEY}`, code: 'server_error' }]),
    code: 'BACKEND_ERROR',
    text: 'Some text',
  },
  {
    what: 'an untyped error frame with the host in it',
    script: () => stream([...begun, { error: { message: `reset by ${new URL(fake.url).host}` } }]),
    code: 'BACKEND_ERROR',
    text: 'Some text',
  },
];

it.each(FAULTS)('$what ends the turn as $code', async ({ script, code, text = '', retryAfterMs = null }) => {
  fake.reply(typeof script === 'function' ? script() : script);
  const seen = await ask(node);
  expect(seen.at(-1)).toMatchObject({ type: 'error', error: { code, retryAfterMs } });
  await expectOneEnd(node, seen, { text });
});

it.each<[string, Script]>([
  ['before the headers', { kind: 'silence' }],
  ['after them', stream([], { breaks: { after: 0, how: 'stall' } })],
])('a stall %s is a BACKEND_TIMEOUT', async (_when, script) => {
  await using hasty = await startNode({ firstEventTimeoutMs: HASTE_MS });
  fake.reply(script);
  const seen = await ask(hasty);
  expect(seen.at(-1)).toMatchObject({ type: 'error', error: { code: 'BACKEND_TIMEOUT' } });
  await expectOneEnd(hasty, seen, { text: '' });
});

/** An address at which nobody listens any more. */
async function findClosedUrl(): Promise<string> {
  await using closed = await startFakeBackend();
  return closed.url;
}

it.each([
  ['a refused connection', findClosedUrl, 'The connection was refused.'],
  [
    'a name that does not exist',
    async () => 'http://backend.invalid/v1',
    'Its host name could not be resolved.',
  ],
])('%s is BACKEND_UNAVAILABLE', async (_what, findUrl, cause) => {
  const baseUrl = await findUrl();
  await using alone = await startNode({ baseUrl });
  const seen = await ask(alone);
  expect(seen.at(-1)).toMatchObject({
    error: { code: 'BACKEND_UNAVAILABLE', message: 'Unable to connect to fake', cause },
  });
  await expectOneEnd(alone, seen, { text: '' });
  expect(JSON.stringify(seen)).not.toContain(new URL(baseUrl).host);
});

it('a certificate that cannot be trusted is BACKEND_UNAVAILABLE', async () => {
  await using secure = await startFakeBackend({ tls: { cert: CERTIFICATE, key: CERTIFICATE_KEY } });
  await using alone = await startNode({ baseUrl: secure.url });
  const seen = await ask(alone);
  expect(seen.at(-1)).toMatchObject({ error: { code: 'BACKEND_UNAVAILABLE' } });
  await expectOneEnd(alone, seen, { text: '' });
  expect(secure.journal).toEqual([]);
});

const LONG = 'x'.repeat(10 * 1024 * 1024);
const withUsage = (usage: JsonObject | null): readonly JsonObject[] => {
  const response = { ...(completed.response as JsonObject), usage };
  return [...whole.slice(0, -1), { ...completed, response }];
};

it.each<[string, readonly JsonObject[]]>([
  [
    'unknown events and items',
    [{ type: 'response.telepathy.delta', delta: 'x' }, ...whole.slice(0, -1), { type: 'x.y' }, completed],
  ],
  ['a frame of 10 MB that means nothing', [{ type: 'x', pad: LONG }, ...whole]],
  ['events after the terminal one', [...whole, firstDelta, ...whole]],
  ['the terminal event twice', [...whole, completed]],
  ['missing usage', withUsage(null)],
  ['negative usage', withUsage({ input_tokens: -5, output_tokens: -5 })],
  ['absurd usage', withUsage({ input_tokens: 9e15, output_tokens: 9e15 })],
])('%s leave the answer whole', async (_what, events) => {
  fake.reply(stream(events));
  const seen = await ask(node);
  expect(seen.at(-1)).toMatchObject({ type: 'end', finishReason: 'STOP' });
  await expectOneEnd(node, seen, { text: WHOLE });
});

it.each<[string, readonly JsonObject[], string]>([
  ['repeated', [...begun, firstDelta, secondDelta, completed], 'Some textSome text that goes on.'],
  ['out of order', [...whole.slice(0, 4), secondDelta, firstDelta, completed], ' that goes on.Some text'],
])(
  'deltas that are %s do not change the answer, which the terminal event tells',
  async (_how, events, text) => {
    fake.reply(stream(events));
    const seen = await ask(node);
    expect(seen.at(-1)).toMatchObject({ type: 'end', finishReason: 'STOP' });
    expect(seen).toContainEqual(expect.objectContaining({ type: 'turn_complete', answer: WHOLE }));
    await expectOneEnd(node, seen, { text, answer: WHOLE });
  },
);
