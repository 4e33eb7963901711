/** What a backend sends arrives as it was sent, however it is framed and cut into packets. */
import { expect, test } from 'vitest';
import type { Backend, ResponseRequest, UpstreamEvent } from '../../../src/backend/backend.ts';
import { createBackend } from '../../../src/backend/client.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, FRAMINGS, status, stream, textResponse } from '../../support/fake-backend-script.ts';
import { findFixtures } from '../../support/fixtures.ts';

const request: ResponseRequest = {
  model: 'fake-model',
  instructions: 'Be brief.',
  input: [{ role: 'user', content: 'Why?' }],
  tools: [],
};
const never = new AbortController().signal;

async function collect(backend: Backend): Promise<readonly UpstreamEvent[]> {
  const events: UpstreamEvent[] = [];
  for await (const batch of backend.streamResponse(request, never)) events.push(...batch);
  return events;
}

const ownStream = textResponse('Größe 🚀 "quoted"\r\n\r\ndata: not a frame\u2028end');

test.each(FRAMINGS)('events are the same whatever the framing: %s', async (framing) => {
  await using fake = await startFakeBackend();
  fake.reply(stream(ownStream, { framing }));
  expect(await collect(createBackend(toBackendConfig(fake.url)))).toEqual(ownStream);
});

const fixtures = findFixtures();
const recorded =
  fixtures === undefined ? 'NOT CHECKED, the recordings are absent' : `${fixtures.names.length} streams`;
test.each(FRAMINGS)(`every recorded stream arrives unchanged (${recorded}): %s`, async (framing) => {
  await using fake = await startFakeBackend();
  const backend = createBackend(toBackendConfig(fake.url));
  for (const name of fixtures?.names ?? []) {
    const events = fixtures?.read(name) ?? [];
    fake.reply(stream(events, { framing }));
    expect(await collect(backend), name).toEqual(events);
  }
  expect(fake.responses).toHaveLength(fixtures?.names.length ?? 0);
});

test('a batch is there before the next packet is sent', async () => {
  await using fake = await startFakeBackend();
  const gate = createGate();
  fake.reply(stream(ownStream, { holds: { 1: gate } }));
  const batches = createBackend(toBackendConfig(fake.url))
    .streamResponse(request, never)
    [Symbol.asyncIterator]();
  expect((await batches.next()).value).toEqual(ownStream.slice(0, 1));
  gate.release();
  expect((await batches.next()).done).toBe(false);
  await batches.return?.();
});

test('events after the terminal one and repeated ones are passed on', async () => {
  await using fake = await startFakeBackend();
  const events = [...ownStream, ...ownStream.slice(-2)];
  fake.reply(stream(events));
  expect(await collect(createBackend(toBackendConfig(fake.url)))).toEqual(events);
});

test('error events, typed or not, are events like others; frames that are no objects are left out', async () => {
  await using fake = await startFakeBackend();
  const failures = [{ type: 'error', code: 'server_error', message: 'x' }, { error: { message: 'y' } }];
  fake.reply(stream(['null', '17', '"text"', '[]', ...failures]));
  expect(await collect(createBackend(toBackendConfig(fake.url)))).toEqual(failures);
});

test('the key and the address are removed from error events', async () => {
  await using fake = await startFakeBackend();
  const { host } = new URL(fake.url);
  fake.reply(stream([{ type: 'error', message: `key-0123456789 was refused by ${host}` }]));
  const backend = createBackend(toBackendConfig(fake.url, { apiKey: 'key-0123456789' }));
  expect(await collect(backend)).toEqual([{ type: 'error', message: '[removed] was refused by [removed]' }]);
});

test('a stream that ends early ends quietly: what is missing is the reader’s to judge', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(ownStream, { breaks: { after: 3, how: 'cut' } }));
  expect(await collect(createBackend(toBackendConfig(fake.url)))).toEqual(ownStream.slice(0, 3));
});

test('the request carries what there is to say and nothing else', async () => {
  await using fake = await startFakeBackend();
  await collect(createBackend(toBackendConfig(fake.url, { apiKey: 'key-0123456789' })));
  const [sent] = fake.responses;
  expect(sent?.body).toEqual({
    model: 'fake-model',
    instructions: 'Be brief.',
    input: [{ role: 'user', content: 'Why?' }],
    stream: true,
    store: false,
  });
  expect(sent?.headers).toMatchObject({
    authorization: 'Bearer key-0123456789',
    'content-type': 'application/json',
  });
});

test('a backend without a key gets no Authorization header', async () => {
  await using fake = await startFakeBackend();
  await collect(createBackend(toBackendConfig(fake.url)));
  expect(fake.responses[0]?.headers).not.toHaveProperty('authorization');
});

test('each request has a connection of its own, which ends with the answer', async () => {
  await using fake = await startFakeBackend();
  await collect(createBackend(toBackendConfig(fake.url)));
  expect(fake.responses[0]?.headers.connection).toBe('close');
  expect(fake.responses[0]?.aborted).toBe(false);
});

test('a failed request is never sent again', async () => {
  await using fake = await startFakeBackend();
  fake.onResponse = () =>
    status(500, { error: { message: 'x' } }, { 'x-should-retry': 'true', 'retry-after': '0' });
  await expect(collect(createBackend(toBackendConfig(fake.url)))).rejects.toThrow();
  expect(fake.responses).toHaveLength(1);
});

test('a redirect is not followed', async () => {
  await using fake = await startFakeBackend();
  await using elsewhere = await startFakeBackend();
  fake.reply(status(307, '', { location: `${elsewhere.url}/responses` }));
  await expect(collect(createBackend(toBackendConfig(fake.url)))).rejects.toMatchObject({
    code: 'BACKEND_ERROR',
  });
  expect(elsewhere.journal).toEqual([]);
});
