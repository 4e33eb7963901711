/** Conversations that a backend keeps itself: opened, gone on in, deleted, and noticed when they are gone. */
import { expect, test } from 'vitest';
import type { Backend, ResponseRequest } from '../../../src/backend/backend.ts';
import { createBackend } from '../../../src/backend/client.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { type Script, status, stream, textResponse } from '../../support/fake-backend-script.ts';

const never = new AbortController().signal;
const HEX = '0123456789abcdef0123456789abcdef0123456789abcdef';
const request: ResponseRequest = {
  model: 'm',
  instructions: '',
  input: [{ role: 'user', content: 'And then?' }],
  tools: [],
  conversation: HEX,
};

async function read(backend: Backend, asked: ResponseRequest): Promise<number> {
  let count = 0;
  for await (const batch of backend.streamResponse(asked, never)) count += batch.length;
  return count;
}

test('a conversation is opened, and its id told without the prefix', async () => {
  await using fake = await startFakeBackend();
  fake.on('POST /v1/conversations', () => status(200, { id: `conv_${HEX}`, object: 'conversation' }));
  expect(await createBackend(toBackendConfig(fake.url)).createConversation(never)).toBe(HEX);
});

test.each<[string, Script]>([
  ['BACKEND_ERROR', status(404)],
  ['BACKEND_UNAVAILABLE', status(503)],
  ['BACKEND_PROTOCOL', status(200, { id: HEX })],
  ['BACKEND_PROTOCOL', status(200, '<html>')],
])('a conversation that cannot be opened is %s', async (code, script) => {
  await using fake = await startFakeBackend();
  fake.on('POST /v1/conversations', () => script);
  await expect(createBackend(toBackendConfig(fake.url)).createConversation(never)).rejects.toMatchObject({
    code,
  });
});

test('a request that goes on in it sends the new question alone, and lets the backend keep the response', async () => {
  await using fake = await startFakeBackend();
  await read(createBackend(toBackendConfig(fake.url)), request);
  expect(fake.responses[0]?.body).toMatchObject({
    conversation: `conv_${HEX}`,
    store: true,
    input: [{ role: 'user', content: 'And then?' }],
  });
});

const words = `Conversation 'conv_${HEX}' not found.`;
test.each<[string, Script]>([
  ['status 404', status(404, { error: { message: words } })],
  ['status 400 that says so', status(400, { error: { message: words } })],
  ['a first frame that says so', stream([{ error: { message: `404: ${words}` } }])],
])('a conversation that is gone is NOT_FOUND before any event: %s', async (_name, script) => {
  await using fake = await startFakeBackend();
  fake.reply(script);
  await expect(read(createBackend(toBackendConfig(fake.url)), request)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

test('other failures stay what they are, and so do all without a conversation', async () => {
  await using fake = await startFakeBackend();
  const backend = createBackend(toBackendConfig(fake.url));
  fake.reply(status(400, { error: { message: 'Unsupported parameter' } }));
  await expect(read(backend, request)).rejects.toMatchObject({ code: 'BACKEND_ERROR' });
  fake.reply(status(404, { error: { message: 'The model does not exist' } }));
  await expect(read(backend, { ...request, conversation: undefined })).rejects.toMatchObject({
    code: 'BACKEND_ERROR',
  });
  const late = [...textResponse('Some').slice(0, 3), { error: { message: words } }];
  fake.reply(stream(late));
  expect(await read(backend, request)).toBe(late.length);
});

test('deleting is idempotent', async () => {
  await using fake = await startFakeBackend();
  const backend = createBackend(toBackendConfig(fake.url));
  await backend.deleteConversation(HEX, never);
  fake.on(`DELETE /v1/conversations/conv_${HEX}`, () => status(200, { deleted: true }));
  await backend.deleteConversation(HEX, never);
  expect(fake.journal.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `DELETE /v1/conversations/conv_${HEX}`,
    `DELETE /v1/conversations/conv_${HEX}`,
  ]);
  fake.on(`DELETE /v1/conversations/conv_${HEX}`, () => status(503));
  await expect(backend.deleteConversation(HEX, never)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});
