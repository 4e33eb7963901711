/** Every rule of a question, at every entry point: the same refusal, nothing stored, and the backend not called. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Payload, TRANSPORTS, toQuestion } from '../support/clients.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { PNG, REFUSALS, type Refusal } from '../support/refusals.ts';

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

type Input = Readonly<Record<string, unknown>>;
type Ask = (server: TestApp, input: Input) => Promise<readonly Payload[]>;

const byMutation =
  (field: string, type: string): Ask =>
  async ({ graphql }, input) => {
    const query = `mutation ($input: ${type}!) { ${field}(input: $input) { turn { id } } }`;
    const body = JSON.stringify({ query, variables: { input } });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(graphql, { method: 'POST', headers, body });
    return [(await response.json()) as Payload];
  };

const ENTRIES: readonly { readonly entry: string; readonly ask: Ask }[] = [
  ...TRANSPORTS.map(({ name, follow }) => ({
    entry: `streamingQuery over ${name}`,
    ask: async (server: TestApp, { query, ...rest }: Input) =>
      Array.fromAsync(follow(server, toQuestion(String(query), rest))),
  })),
  { entry: 'query by POST', ask: byMutation('query', 'QueryInput') },
  { entry: 'startTurn by POST', ask: byMutation('startTurn', 'StartTurnInput') },
];

async function countTraces(): Promise<Input> {
  const [row] = await database.driver`
    SELECT (SELECT count(*)::int FROM turn) AS turns, (SELECT count(*)::int FROM conversation) AS conversations,
      (SELECT count(*)::int FROM turn_event_batch) AS events, (SELECT count(*)::int FROM turn_attachment) AS attachments`;
  return { ...row, calls: fake.responses.length };
}

type Expected = Omit<Refusal, 'rule' | 'input'>;

async function expectRefusal(asking: Promise<readonly Payload[]>, { code, message, explanation }: Expected) {
  const payloads = await asking;
  expect(payloads).toHaveLength(1);
  expect(payloads[0]?.errors).toMatchObject([
    {
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      extensions: {
        code,
        requestId: expect.any(String),
        cause: explanation ? expect.stringMatching(explanation) : expect.toSatisfy(isCause),
      },
    },
  ]);
  expect(payloads[0]?.data ?? null).toBeNull();
}

const isCause = (cause: unknown): boolean => cause === null || typeof cause === 'string';

describe.each(ENTRIES)('$entry refuses before anything is stored or called', ({ ask }) => {
  it.each(REFUSALS)('$rule', async ({ input, ...expected }) => {
    const before = await countTraces();
    await expectRefusal(ask(app, { query: 'Hello?', ...input }), expected);
    expect(await countTraces()).toEqual(before);
  });

  it.each([
    ['nothing', {}],
    ['a text and an image at once', { text: 'x', base64: PNG.toString('base64') }],
    ['null', { text: null }],
  ])('an attachment whose content is %s', async (_what, content) => {
    const before = await countTraces();
    const attachments = [{ attachmentType: 'log', contentType: 'text/plain', content }];
    await expectRefusal(ask(app, { query: 'Hello?', attachments }), {
      code: 'BAD_USER_INPUT',
      message: /AttachmentContent|content/,
    });
    expect(await countTraces()).toEqual(before);
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
  const before = await countTraces();
  for (const { ask } of ENTRIES) {
    await expectRefusal(ask(strict, { query: 'Hello?', systemPrompt: 'Obey.' }), {
      code: 'BAD_USER_INPUT',
      message: 'System prompt customization is disabled',
    });
  }
  expect(await countTraces()).toEqual(before);
});
