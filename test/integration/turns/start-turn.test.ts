/** Acceptance: every refusal comes before anything is stored or the backend's /responses is called. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppErrorDetails } from '../../../src/errors.ts';
import { newId } from '../../../src/lib/ids.ts';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import type { ErrorCode } from '../../../src/types/error-code.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';

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

async function countRows(): Promise<number> {
  const [row] = await db.database.driver<{ count: number }[]>`
    SELECT (SELECT count(*) FROM turn) + (SELECT count(*) FROM conversation) AS count`;
  return Number(row?.count);
}

interface Refusal {
  readonly rule: string;
  readonly input: Partial<StartTurnInput>;
  readonly code: ErrorCode;
  readonly message: string | RegExp;
  readonly explanation?: RegExp;
}

const text = { attachmentType: 'log', contentType: 'text/plain', content: 'x' };
const REFUSALS: readonly Refusal[] = [
  {
    rule: 'an empty query',
    input: { query: '' },
    code: 'BAD_USER_INPUT',
    message: 'query must not be empty',
  },
  {
    rule: 'a blank query',
    input: { query: ' \n\t ' },
    code: 'BAD_USER_INPUT',
    message: 'query must not be empty',
  },
  {
    rule: 'a query of 32,769 characters',
    input: { query: 'x'.repeat(32_769) },
    code: 'BAD_USER_INPUT',
    message: /at most 32768/,
  },
  { rule: 'a query with NUL', input: { query: 'a\0b' }, code: 'BAD_USER_INPUT', message: /NUL/ },
  {
    rule: 'a query with a lone surrogate',
    input: { query: 'a\ud800b' },
    code: 'BAD_USER_INPUT',
    message: /surrogate/,
  },
  {
    rule: 'an improper conversation id',
    input: { conversationId: 'x1' },
    code: 'BAD_USER_INPUT',
    message: "Improper conversation ID 'x1'",
  },
  {
    rule: 'a model without provider',
    input: { model: 'm' },
    code: 'BAD_USER_INPUT',
    message: 'Provider must be specified if model is specified',
  },
  {
    rule: 'a provider without model',
    input: { provider: 'p' },
    code: 'BAD_USER_INPUT',
    message: 'Model must be specified if provider is specified',
  },
  {
    rule: 'an unknown model',
    input: { provider: 'fake', model: 'other' },
    code: 'NOT_FOUND',
    message: 'Model not found',
    explanation: /Model with ID other is not configured/,
  },
  {
    rule: 'an unknown provider',
    input: { provider: 'nobody', model: 'other' },
    code: 'NOT_FOUND',
    message: 'Model not found',
  },
  {
    rule: 'an unknown conversation',
    input: { conversationId: newId() },
    code: 'NOT_FOUND',
    message: 'Conversation not found',
    explanation: /does not exist/,
  },
  {
    rule: 'an unknown attachment type',
    input: { attachments: [{ ...text, attachmentType: 'virus' }] },
    code: 'BAD_USER_INPUT',
    message: 'Invalid attribute value',
    explanation: /'virus'.*stack trace/,
  },
  {
    rule: 'an unknown content type',
    input: { attachments: [{ ...text, contentType: 'text/html' }] },
    code: 'BAD_USER_INPUT',
    message: 'Invalid attribute value',
    explanation: /'text\/html'.*application\/xml/,
  },
  {
    rule: 'eleven attachments',
    input: { attachments: Array.from({ length: 11 }, () => text) },
    code: 'BAD_USER_INPUT',
    message: /At most 10/,
  },
  {
    rule: 'attachments of more than 512 KiB together',
    input: { attachments: [{ ...text, content: 'x'.repeat(524_289) }] },
    code: 'BAD_USER_INPUT',
    message: /524288 bytes together/,
  },
  {
    rule: 'an attachment with NUL',
    input: { attachments: [{ ...text, content: '\0' }] },
    code: 'BAD_USER_INPUT',
    message: /NUL/,
  },
  {
    rule: 'a key of 256 characters',
    input: { clientTurnId: 'k'.repeat(256) },
    code: 'BAD_USER_INPUT',
    message: /1 to 255/,
  },
  { rule: 'an empty key', input: { clientTurnId: '' }, code: 'BAD_USER_INPUT', message: /1 to 255/ },
];

describe('a question is refused before anything is stored or called', () => {
  it.each(REFUSALS)('$rule', async ({ input, code, message, explanation }) => {
    const before = { rows: await countRows(), calls: fake.responses.length };
    const details: AppErrorDetails = explanation
      ? { explanation: expect.stringMatching(explanation) as string }
      : {};
    await expect(node.engine.start(createViewer(), { query: 'Hello?', ...input })).rejects.toMatchObject({
      code,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      details,
    });
    expect({ rows: await countRows(), calls: fake.responses.length }).toEqual(before);
  });

  it("another viewer's conversation is as unknown as one that does not exist", async () => {
    const owner = createViewer();
    const { turn } = await node.engine.start(owner, { query: 'Mine.' });
    await collectEvents(node.engine, owner, { turnId: turn.id });
    const { conversationId } = turn;
    const refusal = { code: 'NOT_FOUND', message: 'Conversation not found' };
    await expect(
      node.engine.start(createViewer(), { query: 'Yours?', conversationId }),
    ).rejects.toMatchObject(refusal);
    await expect(node.engine.get(createViewer(), turn.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const signal = new AbortController().signal;
    await expect(node.engine.follow(createViewer(), { turnId: turn.id }, signal)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(node.engine.cancel(createViewer(), turn.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('a system prompt where the configuration disables them', async () => {
    await using strict = await startTestEngine({
      databaseUrl: db.url,
      backend: fake.url,
      config: { customization: { disableQuerySystemPrompt: true } },
    });
    const asking = strict.engine.start(createViewer(), { query: 'Hello?', systemPrompt: 'Obey.' });
    await expect(asking).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: 'System prompt customization is disabled',
    });
  });
});

describe('an accepted question', () => {
  it('is sent with the first of the system prompts, the attachments under the query, and store: false', async () => {
    const viewer = createViewer();
    const count = fake.responses.length;
    const { turn } = await node.engine.start(viewer, {
      query: 'Why?',
      systemPrompt: 'Be brief.',
      attachments: [text, { ...text, attachmentType: 'stack trace', content: 'at f' }],
    });
    const events = await collectEvents(node.engine, viewer, { turnId: turn.id });
    expect(events.at(0)).toMatchObject({ type: 'start', seq: 1, provider: 'fake', model: 'fake-model' });
    expect(events.at(-1)).toMatchObject({ type: 'end', finishReason: 'STOP' });
    expect(fake.responses[count]?.body).toMatchObject({
      instructions: 'Be brief.',
      store: false,
      stream: true,
      input: [{ role: 'user', content: 'Why?\n\n[Attachment: log]\nx\n\n[Attachment: stack trace]\nat f' }],
    });
  });

  it('goes on in its conversation with what was said there, oldest first', async () => {
    const viewer = createViewer();
    const first = await node.engine.start(viewer, { query: 'One?' });
    const events = await collectEvents(node.engine, viewer, { turnId: first.turn.id });
    const answer = events.find((event) => event.type === 'turn_complete')?.answer ?? '';
    const { conversationId } = first.turn;
    const count = fake.responses.length;
    const second = await node.engine.start(viewer, {
      query: 'Two?',
      conversationId: `conv_${conversationId.toUpperCase()}`,
    });
    await collectEvents(node.engine, viewer, { turnId: second.turn.id });
    expect(second.turn.conversationId).toBe(conversationId);
    expect(fake.responses[count]?.body.input).toEqual([
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: answer },
      { role: 'user', content: 'Two?' },
    ]);
  });
});
