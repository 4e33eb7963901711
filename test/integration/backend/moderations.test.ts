/** Shields and moderation models of a backend: what it lists, how it judges, and what counts when it does not. */
import { expect, test } from 'vitest';
import { createBackend } from '../../../src/backend/client.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { type Script, status } from '../../support/fake-backend-script.ts';

const never = new AbortController().signal;
const ROUTE = 'POST /v1/moderations';
const models = [{ id: 'openai/guard' }];

test.each([
  [{ results: [{ flagged: false, categories: { hate: false } }] }, { flagged: false, categories: [] }],
  [
    { results: [{ flagged: true, categories: { hate: true, violence: false } }] },
    { flagged: true, categories: ['hate'] },
  ],
  [{ results: [{ flagged: false }, { flagged: true }] }, { flagged: true, categories: [] }],
])('the verdict is flagged when any result is: %j', async (body, verdict) => {
  await using fake = await startFakeBackend({ models });
  fake.on(ROUTE, () => status(200, body));
  const backend = createBackend(toBackendConfig(fake.url));
  expect(await backend.moderate('openai/guard', 'Hello', never)).toEqual(verdict);
  expect(fake.journal.at(-1)?.body).toEqual({ model: 'openai/guard', input: 'Hello' });
});

test('an input that the backend refuses counts as flagged', async () => {
  await using fake = await startFakeBackend({ models });
  fake.on(ROUTE, () => status(400, { error: { message: 'Bad words' } }));
  const backend = createBackend(toBackendConfig(fake.url));
  expect(await backend.moderate('guard', 'Hello', never)).toEqual({ flagged: true, categories: [] });
});

test.each<[string, Script]>([
  ['BACKEND_ERROR', status(500)],
  ['BACKEND_ERROR', status(401)],
  ['RATE_LIMITED', status(429)],
  ['BACKEND_UNAVAILABLE', status(503)],
  ['BACKEND_UNAVAILABLE', { kind: 'reset' }],
  ['BACKEND_PROTOCOL', status(200, {})],
  ['BACKEND_PROTOCOL', status(200, { results: [] })],
  ['BACKEND_PROTOCOL', status(200, '<html>')],
])('any other failure is no verdict: %s', async (code, script) => {
  await using fake = await startFakeBackend({ models });
  fake.on(ROUTE, () => script);
  const backend = createBackend(toBackendConfig(fake.url));
  await expect(backend.moderate('guard', 'Hello', never)).rejects.toMatchObject({ code });
});

test('a model that the backend lacks is NOT_FOUND, by its list or by its answer', async () => {
  await using fake = await startFakeBackend({ models });
  const missing = { code: 'NOT_FOUND', message: 'Shield model not found' };
  const listing = createBackend(toBackendConfig(fake.url));
  await expect(listing.moderate('gone', 'Hello', never)).rejects.toMatchObject(missing);
  expect(fake.journal.map(({ path }) => path)).toEqual(['/v1/models']);
  const configured = createBackend(toBackendConfig(fake.url, { models: ['chat'] }));
  await expect(configured.moderate('gone', 'Hello', never)).rejects.toMatchObject(missing);
});

test('a list of models that cannot be had does not stand in the way of a verdict', async () => {
  await using fake = await startFakeBackend();
  fake.onModels = () => status(500);
  fake.on(ROUTE, () => status(200, { results: [{ flagged: false }] }));
  const backend = createBackend(toBackendConfig(fake.url));
  expect(await backend.moderate('guard', 'Hello', never)).toMatchObject({ flagged: false });
});

test('the shields of llama-stack are listed with their models, once', async () => {
  await using fake = await startFakeBackend();
  fake.on('GET /v1/shields', () =>
    status(200, {
      data: [
        { identifier: 'a', provider_id: 'p', provider_resource_id: 'openai/guard', type: 'shield' },
        { identifier: 'b', provider_id: 'p', provider_resource_id: null },
      ],
    }),
  );
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'llama-stack' }));
  const shields = await backend.listShields(never);
  expect(shields).toEqual([
    { id: 'a', model: 'openai/guard' },
    { id: 'b', model: null },
  ]);
  expect(await backend.listShields(never)).toBe(shields);
  expect(fake.journal).toHaveLength(1);
});

test('other backends have no shields of their own and are not asked', async () => {
  await using fake = await startFakeBackend();
  expect(await createBackend(toBackendConfig(fake.url, { kind: 'other' })).listShields(never)).toEqual([]);
  expect(fake.journal).toEqual([]);
});
