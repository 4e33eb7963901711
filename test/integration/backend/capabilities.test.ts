/** What a backend can do is configured, told by its address, or seen at one look that never gets into anyone's way. */
import { expect, test } from 'vitest';
import { createBackend } from '../../../src/backend/client.ts';
import type { JsonObject } from '../../../src/types/json.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { ALL_CAPABILITIES } from '../../support/backends.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { type Script, status } from '../../support/fake-backend-script.ts';

const never = new AbortController().signal;
const LLAMA_STACK = { ...ALL_CAPABILITIES, background: false };
const OTHER = { ...ALL_CAPABILITIES, shields: false, vectorStores: false };

const signs: readonly { readonly route: string; readonly body: JsonObject }[] = [
  {
    route: 'GET /v1/providers',
    body: { data: [{ api: 'inference', provider_id: 'openai', provider_type: 'remote::openai' }] },
  },
  {
    route: 'GET /v1/shields',
    body: { data: [{ identifier: 'guard', provider_id: 'llama-guard', type: 'shield' }] },
  },
  { route: 'GET /v1/version', body: { version: '0.3.5' } },
];
test.each(signs)('a server that answers $route like llama-stack is one', async ({ route, body }) => {
  await using fake = await startFakeBackend();
  fake.on(route, () => status(200, body));
  expect(await createBackend(toBackendConfig(fake.url)).capabilities(never)).toEqual(LLAMA_STACK);
});

test('llama-stack is recognised behind its older address, too', async () => {
  await using fake = await startFakeBackend();
  fake.on('GET /v1/version', () => status(200, { version: '0.2.20' }));
  const baseUrl = fake.url.replace('/v1', '/v1/openai/v1');
  expect(await createBackend(toBackendConfig(baseUrl)).capabilities(never)).toEqual(LLAMA_STACK);
});

test.each<[string, Script]>([
  ['404', status(404, { error: { message: 'No' } })],
  ['a web page', status(200, '<html>')],
  ['JSON of another shape', status(200, { object: 'list', data: [{ id: 'm', object: 'model' }] })],
  ['broken JSON', status(200, '{"data":', { 'content-type': 'application/json' })],
])('a server that answers otherwise (%s) is looked at once', async (_name, script) => {
  await using fake = await startFakeBackend();
  for (const { route } of signs) fake.on(route, () => script);
  const backend = createBackend(toBackendConfig(fake.url));
  const found = await Promise.all([backend.capabilities(never), backend.capabilities(never)]);
  expect(found).toEqual([OTHER, OTHER]);
  await backend.capabilities(never);
  expect(fake.journal.map(({ path }) => path).sort()).toEqual([
    '/v1/providers',
    '/v1/shields',
    '/v1/version',
  ]);
});

const silent: readonly [string, Script][] = [
  ['500', status(500)],
  ['429', status(429)],
  ['a reset', { kind: 'reset' }],
];
test.each(silent)(
  'a server that cannot be looked at (%s) counts as one of no known kind, but for its shields',
  async (_name, script) => {
    await using fake = await startFakeBackend();
    for (const { route } of signs) fake.on(route, () => script);
    const backend = createBackend(toBackendConfig(fake.url));
    expect(await backend.capabilities(never)).toEqual(OTHER);
    await expect(backend.listShields(never)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  },
);

test.each<[string, Script]>([
  ['404', status(404)],
  ['a web page', status(200, '<html>')],
  ['another list', status(200, { data: [{ id: 'm' }] })],
])(
  'a server that cannot be looked at but says that it has no shields (%s) has none',
  async (_name, script) => {
    await using fake = await startFakeBackend();
    fake.on('GET /v1/version', () => status(503));
    fake.on('GET /v1/shields', () => script);
    expect(await createBackend(toBackendConfig(fake.url)).listShields(never)).toEqual([]);
  },
);

test('shields that are listed while the kind is unknown count', async () => {
  await using fake = await startFakeBackend();
  for (const { route } of signs) fake.on(route, () => status(503));
  const backend = createBackend(toBackendConfig(fake.url));
  await backend.capabilities(never);
  fake.on('GET /v1/shields', () => status(200, { data: [{ identifier: 'guard', provider_id: 'x' }] }));
  expect(await backend.listShields(never)).toEqual([{ id: 'guard', model: null }]);
});

test.each(silent)('what is configured of shields needs no answer (%s)', async (_name, script) => {
  await using fake = await startFakeBackend();
  for (const { route } of signs) fake.on(route, () => script);
  const settings = [{ kind: 'other' as const }, { capabilities: { shields: false } }];
  for (const overrides of settings) {
    const backend = createBackend(toBackendConfig(fake.url, overrides));
    expect(await backend.listShields(never)).toEqual([]);
  }
});

test.each([401, 403])(
  'a server that refuses what it does not know (%s) but lists its models is no llama-stack',
  async (code) => {
    await using fake = await startFakeBackend();
    for (const { route } of signs) fake.on(route, () => status(code));
    const backend = createBackend(toBackendConfig(fake.url));
    expect(await backend.listShields(never)).toEqual([]);
    expect(await backend.capabilities(never)).toEqual(OTHER);
  },
);

test.each([401, 503])(
  'a server that refuses everything, or has no models to show now (%s), may be one',
  async (code) => {
    await using fake = await startFakeBackend();
    for (const { route } of signs) fake.on(route, () => status(401));
    fake.onModels = () => status(code);
    const backend = createBackend(toBackendConfig(fake.url));
    await expect(backend.listShields(never)).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      details: { explanation: expect.stringContaining('kind') },
    });
  },
);

test('a look that hangs ends by itself', async () => {
  await using fake = await startFakeBackend();
  fake.on('GET /v1/providers', () => ({ kind: 'silence' }));
  expect(await createBackend(toBackendConfig(fake.url)).capabilities(never)).toEqual(OTHER);
});

test('a caller that gives up does not wait for the look', async () => {
  await using fake = await startFakeBackend();
  fake.on('GET /v1/providers', () => ({ kind: 'silence' }));
  const controller = new AbortController();
  const waiting = createBackend(toBackendConfig(fake.url)).capabilities(controller.signal);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});

test('what is configured needs no look, and counts', async () => {
  await using fake = await startFakeBackend();
  const capabilities = { mcp: false, images: undefined };
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'ogx', capabilities }));
  expect(await backend.capabilities(never)).toEqual({ ...LLAMA_STACK, mcp: false });
  expect(fake.journal).toEqual([]);
});
