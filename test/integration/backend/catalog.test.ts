/** The list of models is asked for once for all who want it, and only when the configuration names none. */
import { expect, test } from 'vitest';
import type { Backend } from '../../../src/backend/backend.ts';
import { createBackend } from '../../../src/backend/client.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { type Script, status } from '../../support/fake-backend-script.ts';

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
  const { length } = fake.journal;
  expect(await nameSent(fake, backend)).toBe(sent);
  expect(fake.journal).toHaveLength(length + 1);
});

async function nameSent(fake: FakeBackend, backend: Backend, signal = never): Promise<unknown> {
  const request = { model: 'mine', instructions: '', input: [], tools: [] };
  for await (const _batch of backend.streamResponse(request, signal));
  return fake.responses.at(-1)?.body.model;
}
const countLists = ({ journal }: FakeBackend): number =>
  journal.filter(({ path }) => path === '/v1/models').length;

test.each([
  ['nobody has listed yet', []],
  ['the configuration names', ['mine']],
])('llama-stack is asked once what it calls a model that %s', async (_which, models) => {
  await using fake = await startFakeBackend({ models: [STACK_MODEL] });
  fake.on('GET /v1/version', () => status(200, { version: '0.3.5' }));
  for (const kind of ['llama-stack', 'ogx', 'auto'] as const) {
    const backend = createBackend(toBackendConfig(fake.url, { kind, models }));
    await backend.capabilities(never);
    const before = countLists(fake);
    expect(await nameSent(fake, backend)).toBe('openai/gpt-4o');
    expect(await nameSent(fake, backend)).toBe('openai/gpt-4o');
    expect(countLists(fake) - before).toBe(1);
  }
});

test.each([
  ['openai/mine', [{ id: 'openai/mine' }, { id: 'openai/gold-mine' }]],
  ['mine', [{ id: 'openai/mine' }, { id: 'vllm/mine' }]],
])('of a model that is configured without its provider, llama-stack is told %s', async (sent, models) => {
  await using fake = await startFakeBackend({ models });
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'ogx', models: ['mine'] }));
  expect(await nameSent(fake, backend)).toBe(sent);
});

test.each(['auto', 'other', 'openai'] as const)(
  'no other backend is asked for its list: %s',
  async (kind) => {
    await using fake = await startFakeBackend({ models: [STACK_MODEL] });
    const backend = createBackend(toBackendConfig(fake.url, { kind, models: ['mine'] }));
    await backend.capabilities(never);
    expect(await nameSent(fake, backend)).toBe('mine');
    expect(countLists(fake)).toBe(0);
  },
);

test.each<[string, Script]>([
  ['fails', status(503)],
  ['lacks it', status(200, { data: [] })],
])('a model is called as viewers know it where the list %s', async (_how, script) => {
  await using fake = await startFakeBackend();
  fake.onModels = () => script;
  expect(await nameSent(fake, createBackend(toBackendConfig(fake.url, { kind: 'ogx' })))).toBe('mine');
});

test('a turn that is stopped while it waits for the list sends nothing, quietly', async () => {
  await using fake = await startFakeBackend();
  const controller = new AbortController();
  fake.onModels = () => {
    controller.abort();
    return { kind: 'silence' };
  };
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'ogx' }));
  expect(await nameSent(fake, backend, controller.signal)).toBeUndefined();
});
