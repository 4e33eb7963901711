/** Shields in a turn: they look at the question before anybody else hears of it, and fail closed. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDefaultPolicy, type Policy } from '../../../src/auth/policy.ts';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { status } from '../../support/fake-backend-script.ts';

const viewer = createViewer();
const PLAIN = createDefaultPolicy({ localOperator: false });
const OVERRIDING: Policy = { can: (who, action) => action === 'SHIELD_OVERRIDE' || PLAIN.can(who, action) };
const SHIELDS = [
  { id: 'first', provider: 'fake', model: 'guard-1', message: 'Not this.' },
  { id: 'second', provider: 'fake', model: 'guard-2' },
];
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;
/** The models that flag what they see. */
let flagging: ReadonlySet<string>;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({
    models: ['fake-model', 'guard-1', 'guard-2'].map((id) => ({ id, object: 'model' })),
  });
  node = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: { shields: SHIELDS },
    policy: OVERRIDING,
  });
});
beforeEach(() => {
  flagging = new Set();
  fake.on('POST /v1/moderations', ({ body }) =>
    status(200, {
      id: 'm',
      model: 'm',
      results: [{ flagged: flagging.has(String(body.model)), categories: {} }],
    }),
  );
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const judged = (): readonly unknown[] =>
  fake.journal.filter(({ path }) => path === '/v1/moderations').map(({ body }) => [body.model, body.input]);

async function ask(input: Partial<StartTurnInput> = {}, engine = node.engine): Promise<readonly TurnEvent[]> {
  const { turn } = await engine.start(viewer, { query: 'May I?', ...input });
  return collectEvents(engine, viewer, { turnId: turn.id });
}

describe('a question that passes', () => {
  it('is looked at by every shield in order, with its attachments, and then answered', async () => {
    const before = judged().length;
    const attachments = [{ attachmentType: 'log', contentType: 'text/plain', content: { text: 'line' } }];
    const events = await ask({ attachments });
    const text = 'May I?\n\n[Attachment: log]\nline';
    expect(judged().slice(before)).toEqual([
      ['guard-1', text],
      ['guard-2', text],
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'end', finishReason: 'STOP' });
  });
});

describe('images', () => {
  const PNG =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const attachments = [{ attachmentType: 'image', contentType: 'image/png', content: { base64: PNG } }];

  it('are looked at by every shield, each by itself, after the text', async () => {
    const before = judged().length;
    const shown = [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }];
    expect((await ask({ attachments })).at(-1)).toMatchObject({ finishReason: 'STOP' });
    expect(judged().slice(before)).toEqual([
      ['guard-1', 'May I?'],
      ['guard-1', shown],
      ['guard-2', 'May I?'],
      ['guard-2', shown],
    ]);
  });

  it('block the question when the model of a shield refuses them', async () => {
    fake.on('POST /v1/moderations', ({ body }) =>
      typeof body.input === 'string'
        ? status(200, { id: 'm', model: 'm', results: [{ flagged: false, categories: {} }] })
        : status(400, { error: { message: 'text only' } }),
    );
    const calls = fake.responses.length;
    expect((await ask({ attachments })).at(-1)).toMatchObject({ finishReason: 'SHIELD_BLOCKED' });
    expect(fake.responses).toHaveLength(calls);
  });
});

describe('a question that is blocked', () => {
  it('gets the message of the first shield that flags it: Start, Token(""), Token, TurnComplete, End', async () => {
    flagging = new Set(['guard-1', 'guard-2']);
    const [before, calls] = [judged().length, fake.responses.length];
    const events = await ask();
    expect(events).toMatchObject([
      { type: 'start' },
      { type: 'token', chunkId: 0, token: '' },
      { type: 'token', chunkId: 1, token: 'Not this.' },
      { type: 'turn_complete', answer: 'Not this.' },
      {
        type: 'end',
        finishReason: 'SHIELD_BLOCKED',
        usage: { inputTokens: 0, outputTokens: 0, source: 'NONE' },
      },
    ]);
    expect(judged().slice(before)).toHaveLength(1);
    expect(fake.responses).toHaveLength(calls);
    const turn = await node.engine.get(viewer, events[0]?.turnId ?? '');
    expect(turn).toMatchObject({
      status: 'COMPLETED',
      query: 'May I?',
      answer: 'Not this.',
      finishReason: 'SHIELD_BLOCKED',
    });
  });

  it('gets a sentence of ours from a shield without one, and is not told to the backend later', async () => {
    flagging = new Set(['guard-2']);
    const events = await ask();
    const answer = 'I cannot process this request due to policy restrictions.';
    expect(events.at(-2)).toMatchObject({ type: 'turn_complete', answer });
    const { conversationId } = await node.engine.get(viewer, events[0]?.turnId ?? '');
    flagging = new Set();
    const calls = fake.responses.length;
    await ask({ conversationId, query: 'And this?' });
    expect(fake.responses[calls]?.body.input).toEqual([{ role: 'user', content: 'And this?' }]);
  });

  it('a shield call that is answered with 400 counts as flagged', async () => {
    fake.on('POST /v1/moderations', () => status(400, { error: { message: 'unsafe' } }));
    expect((await ask()).at(-1)).toMatchObject({ finishReason: 'SHIELD_BLOCKED' });
  });
});

describe('a shield that fails', () => {
  it.each([500, 503, 429])(
    'blocks with BACKEND_UNAVAILABLE on %s, and the model is not called',
    async (code) => {
      fake.on('POST /v1/moderations', () => status(code, { error: { message: 'no' } }));
      const calls = fake.responses.length;
      expect((await ask()).at(-1)).toMatchObject({ type: 'error', error: { code: 'BACKEND_UNAVAILABLE' } });
      expect(fake.responses).toHaveLength(calls);
    },
  );

  it('whose model the backend lacks is NOT_FOUND', async () => {
    fake.on('POST /v1/moderations', () => status(404, { error: { message: 'no such model' } }));
    expect((await ask()).at(-1)).toMatchObject({ type: 'error', error: { code: 'NOT_FOUND' } });
  });
});

describe('narrowing', () => {
  it('asks exactly the named shields, and none for an empty list', async () => {
    const before = judged().length;
    await ask({ shieldIds: ['second'] });
    await ask({ shieldIds: [] });
    expect(judged().slice(before)).toEqual([['guard-2', 'May I?']]);
  });

  it('of an unknown shield is NOT_FOUND before anything is called', async () => {
    const count = fake.journal.length;
    await expect(ask({ shieldIds: ['third'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Shield not found',
    });
    expect(fake.journal).toHaveLength(count);
  });

  it('needs SHIELD_OVERRIDE, also for an empty list', async () => {
    const config = { shields: SHIELDS };
    await using plain = await startTestEngine({
      databaseUrl: db.url,
      backend: fake.url,
      config,
      policy: PLAIN,
    });
    for (const shieldIds of [['first'], []]) {
      const asking = ask({ shieldIds }, plain.engine);
      await expect(asking).rejects.toMatchObject({
        code: 'FORBIDDEN',
        message: expect.stringContaining('SHIELD_OVERRIDE'),
      });
    }
  });
});
