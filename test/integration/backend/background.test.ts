/** Responses in the background: what is sent, and how they are read on when their connection breaks off. */
import { expect, test } from 'vitest';
import type { ResponseRequest, UpstreamEvent } from '../../../src/backend/backend.ts';
import { createBackend } from '../../../src/backend/client.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { type StreamScript, status, stream, textResponse } from '../../support/fake-backend-script.ts';

const request: ResponseRequest = {
  model: 'fake-model',
  instructions: '',
  input: [{ role: 'user', content: 'Why?' }],
  tools: [],
  background: true,
};
const never = new AbortController().signal;
const events = textResponse('One two three four five six seven.');
const GET = 'GET /v1/responses/resp_1';

async function collect(
  fake: FakeBackend,
  asked = request,
  signal = never,
): Promise<readonly UpstreamEvent[]> {
  const seen: UpstreamEvent[] = [];
  const backend = createBackend(toBackendConfig(fake.url));
  for await (const batch of backend.streamResponse(asked, signal)) seen.push(...batch);
  return seen;
}

/** Goes on as OpenAI does: behind the event that the query names. */
function goOnBehind(fake: FakeBackend, options: Partial<StreamScript> = {}): void {
  fake.on(GET, ({ path }) => {
    const after = Number(new URLSearchParams(path.split('?')[1]).get('starting_after'));
    return stream(events.slice(after + 1), options);
  });
}

const pathsOf = (fake: FakeBackend) => fake.journal.map(({ method, path }) => `${method} ${path}`);

test('the request says so, and the response is kept until it has been read', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(events));
  expect(await collect(fake)).toEqual(events);
  expect(fake.responses[0]?.body).toMatchObject({ background: true, store: true, stream: true });
  await expect.poll(() => pathsOf(fake)).toEqual(['POST /v1/responses', 'DELETE /v1/responses/resp_1']);
});

test('a response that belongs to a conversation of the backend stays there', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(events));
  await collect(fake, { ...request, conversation: 'c1' });
  expect(pathsOf(fake)).toEqual(['POST /v1/responses']);
});

test.each(['cut', 'reset'] as const)(
  'after a %s the rest is read from where it broke off, each event once, with one call of the model',
  async (how) => {
    await using fake = await startFakeBackend();
    fake.reply(stream(events, { breaks: { after: 6, how } }));
    goOnBehind(fake);
    expect(await collect(fake)).toEqual(events);
    expect(pathsOf(fake).slice(0, 2)).toEqual([
      'POST /v1/responses',
      'GET /v1/responses/resp_1?stream=true&starting_after=5',
    ]);
    expect(fake.responses).toHaveLength(1);
  },
);

test('it may break off again and again as long as something new comes', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(events, { breaks: { after: 2, how: 'cut' } }));
  goOnBehind(fake, { breaks: { after: 1, how: 'cut' } });
  expect(await collect(fake)).toEqual(events);
}, 60_000);

test('a backend that begins anew instead of going on repeats nothing', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(events, { breaks: { after: 6, how: 'cut' } }));
  fake.on(GET, () => stream(events));
  expect(await collect(fake)).toEqual(events);
});

test('a refusal for a while is waited out', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(events, { breaks: { after: 6, how: 'reset' } }));
  let asked = 0;
  fake.on(GET, () => {
    asked += 1;
    return asked < 3 ? status(503, {}) : stream(events.slice(6));
  });
  expect(await collect(fake)).toEqual(events);
});

test('a backend that does not know the response any more gives up at once, with what had gone wrong', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(events, { breaks: { after: 6, how: 'reset' } }));
  fake.on(GET, () => status(404, { error: { message: 'Response not found' } }));
  await expect(collect(fake)).rejects.toMatchObject({ code: 'BACKEND_PROTOCOL' });
  expect(pathsOf(fake).filter((path) => path.startsWith('GET'))).toHaveLength(1);
});

test('an end that is none, five times in a row, is an end: the reader judges it', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(events, { breaks: { after: 6, how: 'cut' } }));
  fake.on(GET, () => stream([]));
  expect(await collect(fake)).toEqual(events.slice(0, 6));
}, 60_000);

test('what breaks off before the response has a name is not asked again', async () => {
  await using fake = await startFakeBackend();
  fake.reply({ kind: 'reset' });
  await expect(collect(fake)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  expect(pathsOf(fake)).toEqual(['POST /v1/responses']);
});

test('a response that nobody wants any more is cancelled at the backend and forgotten there', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(events, { breaks: { after: 6, how: 'stall' } }));
  fake.on('POST /v1/responses/resp_1/cancel', () => status(200, { id: 'resp_1', status: 'cancelled' }));
  const controller = new AbortController();
  const batches = createBackend(toBackendConfig(fake.url))
    .streamResponse(request, controller.signal)
    [Symbol.asyncIterator]();
  await batches.next();
  controller.abort();
  await batches.return?.();
  await expect
    .poll(() => pathsOf(fake))
    .toEqual(['POST /v1/responses', 'POST /v1/responses/resp_1/cancel', 'DELETE /v1/responses/resp_1']);
});

test('without the setting nothing of it is sent, and a cut is a cut', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(events, { breaks: { after: 6, how: 'cut' } }));
  const { background: _background, ...plain } = request;
  expect(await collect(fake, plain)).toEqual(events.slice(0, 6));
  expect(fake.responses[0]?.body).toMatchObject({ store: false });
  expect(fake.responses[0]?.body).not.toHaveProperty('background');
  expect(pathsOf(fake)).toEqual(['POST /v1/responses']);
});
