/** The list of models is asked for once for all who want it, and only when the configuration names none. */
import { expect, test } from 'vitest';
import { createBackend } from '../../../src/backend/client.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { status } from '../../support/fake-backend-script.ts';

const never = new AbortController().signal;

test('callers share one request and its result', async () => {
  await using fake = await startFakeBackend({ models: [{ id: 'one' }, { id: 'text-embedding-x' }] });
  const backend = createBackend(toBackendConfig(fake.url));
  const [first, second] = await Promise.all([backend.listModels(never), backend.listModels(never)]);
  expect(first).toEqual([
    { id: 'one', kind: 'LLM', contextWindow: 128_000 },
    { id: 'text-embedding-x', kind: 'EMBEDDING', contextWindow: 128_000 },
  ]);
  expect(second).toBe(first);
  expect(await backend.listModels(never)).toBe(first);
  expect(fake.journal).toHaveLength(1);
});

test('configured models are listed without a request', async () => {
  await using fake = await startFakeBackend();
  const backend = createBackend(toBackendConfig(fake.url, { models: ['mine'] }));
  expect(await backend.listModels(never)).toEqual([{ id: 'mine', kind: 'LLM', contextWindow: 128_000 }]);
  expect(fake.journal).toEqual([]);
});

test('a backend that is said to list no models is not asked for them', async () => {
  await using fake = await startFakeBackend();
  const backend = createBackend(toBackendConfig(fake.url, { capabilities: { models: false } }));
  expect(await backend.listModels(never)).toEqual([]);
  expect(fake.journal).toEqual([]);
});

test('a caller that gives up does not end the request of the others', async () => {
  await using fake = await startFakeBackend({ models: [{ id: 'one' }] });
  const backend = createBackend(toBackendConfig(fake.url));
  const controller = new AbortController();
  const impatient = backend.listModels(controller.signal);
  const patient = backend.listModels(never);
  controller.abort();
  await expect(impatient).rejects.toMatchObject({ name: 'AbortError' });
  expect(await patient).toHaveLength(1);
});

test.each([
  [status(401, { error: { message: 'No' } }), 'BACKEND_ERROR'],
  [status(503), 'BACKEND_UNAVAILABLE'],
  [status(200, '<html>'), 'BACKEND_PROTOCOL'],
  [status(200, '{"data":', { 'content-type': 'application/json' }), 'BACKEND_PROTOCOL'],
  [{ kind: 'reset' } as const, 'BACKEND_UNAVAILABLE'],
])('a list that does not come is an AppError: %j', async (script, code) => {
  await using fake = await startFakeBackend();
  fake.onModels = () => script;
  await expect(createBackend(toBackendConfig(fake.url)).listModels(never)).rejects.toMatchObject({ code });
});

const STACK_MODEL = { identifier: 'mine', provider_id: 'openai', provider_resource_id: 'gpt-4o' };
test.each([
  ['auto', 'openai/gpt-4o'],
  ['ogx', 'openai/gpt-4o'],
  ['other', 'mine'],
] as const)('a model is called as the backend wants it, not as viewers know it: %s', async (kind, sent) => {
  await using fake = await startFakeBackend({ models: [STACK_MODEL] });
  const backend = createBackend(toBackendConfig(fake.url, { kind }));
  expect(await backend.listModels(never)).toMatchObject([{ id: 'mine' }]);
  const request = { model: 'mine', instructions: '', input: [], tools: [] };
  for await (const _batch of backend.streamResponse(request, never));
  expect(fake.responses[0]?.body.model).toBe(sent);
});
