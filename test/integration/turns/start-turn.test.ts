/** Acceptance: every refusal comes before anything is stored or the backend's /responses is called. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDefaultPolicy } from '../../../src/auth/policy.ts';
import type { AppErrorDetails } from '../../../src/errors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { REFUSALS } from '../../support/refusals.ts';

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

const log = { attachmentType: 'log', contentType: 'text/plain', content: { text: 'x' } };

describe('a model of one’s own choice', () => {
  it('needs the permission MODEL_OVERRIDE, and the refusal names it', async () => {
    const may = createDefaultPolicy({ localOperator: false });
    await using strict = await startTestEngine({
      databaseUrl: db.url,
      backend: fake.url,
      policy: { can: (viewer, action) => action !== 'MODEL_OVERRIDE' && may.can(viewer, action) },
    });
    const pair = { provider: 'fake', model: 'fake-model' };
    const before = { rows: await countRows(), calls: fake.responses.length };
    await expect(strict.engine.start(createViewer(), { query: 'Hello?', ...pair })).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('MODEL_OVERRIDE'),
    });
    expect({ rows: await countRows(), calls: fake.responses.length }).toEqual(before);
  });
});

describe('an accepted question', () => {
  it('is sent with the first of the system prompts, the attachments under the query, and store: false', async () => {
    const viewer = createViewer();
    const count = fake.responses.length;
    const { turn } = await node.engine.start(viewer, {
      query: 'Why?',
      systemPrompt: 'Be brief.',
      attachments: [log, { ...log, attachmentType: 'stack trace', content: { text: 'at f' } }],
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
