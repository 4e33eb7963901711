/** Whatever a backend does, a turn ends with exactly one terminal event, the right code, and the text that had come. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/types/error-code.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
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

const viewer = createViewer();
const events = textResponse('Some text that is cut.', { pieces: ['Some text', ' that is cut.'] });
/** Events up to and including the first delta. */
const CUT = 5;
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

async function ask(script: Script): Promise<readonly TurnEvent[]> {
  fake.reply(script);
  const { turn } = await node.engine.start(viewer, { query: 'Will this work?' });
  return collectEvents(node.engine, viewer, { turnId: turn.id });
}

interface Failure {
  readonly what: string;
  readonly script: Script;
  readonly code: ErrorCode;
  readonly text?: string;
}

const error = (message: string) => ({ error: { message, type: 'x', code: null } });
const FAILURES: readonly Failure[] = [
  { what: '401', script: status(401, error('bad key')), code: 'BACKEND_ERROR' },
  { what: '404', script: status(404, error('no model')), code: 'BACKEND_ERROR' },
  { what: '413', script: status(413, error('too long')), code: 'PROMPT_TOO_LONG' },
  { what: '429', script: status(429, error('slow down'), { 'retry-after': '2' }), code: 'RATE_LIMITED' },
  { what: '500', script: status(500, error('oops')), code: 'BACKEND_ERROR' },
  { what: '503', script: status(503, error('busy')), code: 'BACKEND_UNAVAILABLE' },
  { what: '504', script: status(504, error('late')), code: 'BACKEND_TIMEOUT' },
  {
    what: 'HTML with 200',
    script: status(200, '<html>', { 'content-type': 'text/html' }),
    code: 'BACKEND_PROTOCOL',
  },
  { what: 'a connection reset at once', script: { kind: 'reset' }, code: 'BACKEND_UNAVAILABLE' },
  { what: 'an empty stream', script: stream([]), code: 'BACKEND_PROTOCOL' },
  {
    what: 'a clean cut in the middle',
    script: stream(events, { breaks: { after: CUT, how: 'cut' } }),
    code: 'BACKEND_PROTOCOL',
    text: 'Some text',
  },
  {
    what: 'a reset in the middle',
    script: stream(events, { breaks: { after: CUT, how: 'reset' } }),
    code: 'BACKEND_PROTOCOL',
    text: 'Some text',
  },
  {
    what: 'bad JSON in the middle',
    script: stream([...events.slice(0, CUT), '{"type":']),
    code: 'BACKEND_PROTOCOL',
    text: 'Some text',
  },
  {
    what: 'an error event',
    script: stream([...events.slice(0, CUT), { type: 'error', message: 'broken', code: 'server_error' }]),
    code: 'BACKEND_ERROR',
    text: 'Some text',
  },
  {
    what: 'an untyped error frame',
    script: stream([...events.slice(0, CUT), error('500: reset')]),
    code: 'BACKEND_ERROR',
    text: 'Some text',
  },
];

describe('a backend that fails', () => {
  it.each(FAILURES)('$what ends the turn as $code', async ({ script, code, text = '' }) => {
    const seen = await ask(script);
    const last = seen.at(-1);
    expect(last).toMatchObject({ type: 'error', error: { code } });
    expect(seen.filter((event) => ['end', 'error', 'interrupted'].includes(event.type))).toHaveLength(1);
    expect(joinTokens(seen)).toBe(text);
    const turn = await node.engine.get(viewer, last?.turnId ?? '');
    expect(turn).toMatchObject({ status: 'FAILED', answer: text, error: { code } });
  });

  it('tells when to come back', async () => {
    const seen = await ask(status(429, error('slow down'), { 'retry-after': '2' }));
    expect(seen.at(-1)).toMatchObject({ error: { retryable: true, retryAfterMs: 2000 } });
  });

  it('says nothing of keys and hosts', async () => {
    const seen = await ask(
      status(401, error('Incorrect API key provided: sk-abcdef123456 at http://me:pw@10.0.0.1')),
    );
    expect(JSON.stringify(seen)).not.toMatch(/sk-abcdef|me:pw/);
  });

  it('a stall is a BACKEND_TIMEOUT, before the first event and in the middle', async () => {
    const config = {
      backends: [{ id: 'fake', baseUrl: fake.url, firstEventTimeoutMs: 150, idleTimeoutMs: 150 }],
    };
    await using hasty = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config });
    for (const script of [
      { kind: 'silence' } as const,
      stream(events, { breaks: { after: CUT, how: 'stall' } }),
    ]) {
      fake.reply(script);
      const { turn } = await hasty.engine.start(viewer, { query: 'Hello?' });
      const seen = await collectEvents(hasty.engine, viewer, { turnId: turn.id });
      expect(seen.at(-1)).toMatchObject({ error: { code: 'BACKEND_TIMEOUT' } });
    }
  });

  it('the next question of the conversation is answered, and does not hear of the failed one', async () => {
    const seen = await ask(status(500, error('oops')));
    const turn = await node.engine.get(viewer, seen[0]?.turnId ?? '');
    const count = fake.responses.length;
    const next = await node.engine.start(viewer, { query: 'Again?', conversationId: turn.conversationId });
    const answered = await collectEvents(node.engine, viewer, { turnId: next.turn.id });
    expect(answered.at(-1)).toMatchObject({ type: 'end' });
    expect(fake.responses[count]?.body.input).toEqual([{ role: 'user', content: 'Again?' }]);
  });
});

describe('a refused connection', () => {
  it('to a backend whose kind and models are configured is an ErrorEvent of an accepted turn', async () => {
    const gone = { id: 'gone', kind: 'other' as const, baseUrl: 'http://127.0.0.1:9/v1', models: ['m'] };
    const config = { backends: [gone] };
    await using alone = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config });
    const { turn } = await alone.engine.start(viewer, { query: 'Hello?' });
    const seen = await collectEvents(alone.engine, viewer, { turnId: turn.id });
    expect(seen.at(-1)).toMatchObject({
      error: { code: 'BACKEND_UNAVAILABLE', message: 'Unable to connect to gone' },
    });
  });

  it.each<[string, object]>([
    ['models', { kind: 'other' }],
    ['kind', { models: ['m'] }],
  ])('to a backend of unknown %s is a refusal, and nothing is stored', async (_what, known) => {
    const config = { backends: [{ id: 'gone', baseUrl: 'http://127.0.0.1:9/v1', ...known }] };
    await using alone = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config });
    await expect(alone.engine.start(viewer, { query: 'Hello?' })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: 'Unable to connect to gone',
    });
  });
});
