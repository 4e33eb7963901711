/** Every rule of a question, at every entry point: the same refusal, nothing stored, and the backend not called. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { countTraces, ENTRIES, expectRefusal } from '../support/entries.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { PNG, REFUSALS } from '../support/refusals.ts';

let fake: FakeBackend;
let app: TestApp;
let database: Database;

beforeAll(async () => {
  fake = await startFakeBackend();
  app = await startTestApp({ backend: fake.url });
  database = openDatabase({ url: app.databaseUrl, poolSize: 1 });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

const findTraces = () => countTraces(database, fake);

describe.each(ENTRIES)('$entry refuses before anything is stored or called', ({ ask }) => {
  it.each(REFUSALS)('$rule', async ({ input, ...expected }) => {
    const before = await findTraces();
    await expectRefusal(ask(app, { query: 'Hello?', ...input }), expected);
    expect(await findTraces()).toEqual(before);
  });

  it.each([
    ['nothing', {}],
    ['a text and an image at once', { text: 'x', base64: PNG.toString('base64') }],
    ['null', { text: null }],
  ])('an attachment whose content is %s', async (_what, content) => {
    const before = await findTraces();
    const attachments = [{ attachmentType: 'log', contentType: 'text/plain', content }];
    await expectRefusal(ask(app, { query: 'Hello?', attachments }), {
      code: 'BAD_USER_INPUT',
      message: /AttachmentContent|content/,
    });
    expect(await findTraces()).toEqual(before);
  });
});

describe.each(ENTRIES)('$entry passes on', ({ ask }) => {
  it('an image as an input_image with its bytes as a data URL', async () => {
    const count = fake.responses.length;
    const base64 = PNG.toString('base64');
    const attachments = [{ attachmentType: 'image', contentType: 'image/png', content: { base64 } }];
    await ask(app, { query: 'What is it?', attachments, generateTopicSummary: false });
    const request = await fake.received(count + 1);
    expect(request.body.input).toMatchObject([
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'What is it?' },
          { type: 'input_image', image_url: `data:image/png;base64,${base64}` },
        ],
      },
    ]);
  });
});

it('every entry refuses a system prompt where the configuration disables them', async () => {
  await using strict = await startTestApp({
    backend: fake.url,
    databaseUrl: app.databaseUrl,
    config: { customization: { disableQuerySystemPrompt: true } },
  });
  const before = await findTraces();
  for (const { ask } of ENTRIES) {
    await expectRefusal(ask(strict, { query: 'Hello?', systemPrompt: 'Obey.' }), {
      code: 'BAD_USER_INPUT',
      message: 'System prompt customization is disabled',
    });
  }
  expect(await findTraces()).toEqual(before);
});
