/** Traps of what is asked of a backend before a question is accepted: silence there is a time-out, and teaches nothing. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createBackend } from '../../src/backend/client.ts';
import { toBackendConfig } from '../support/backend-config.ts';
import { createTestDatabase } from '../support/database.ts';
import { collectEvents, createViewer, startTestEngine } from '../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { status } from '../support/fake-backend-script.ts';

let fake: FakeBackend;
beforeEach(async () => {
  fake = await startFakeBackend();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fake[Symbol.asyncDispose]();
});

it.each(['models', 'shields', 'vector_stores'])(
  'a list that does not come (%s) is BACKEND_TIMEOUT',
  async (list) => {
    await using db = await createTestDatabase();
    const backends = [{ id: 'fake', baseUrl: fake.url, kind: 'llama-stack' as const }];
    await using node = await startTestEngine({
      databaseUrl: db.url,
      backend: fake.url,
      config: { backends },
    });
    if (list === 'models') fake.onModels = () => ({ kind: 'silence' });
    else fake.on(`GET /v1/${list}`, () => ({ kind: 'silence' }));
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms / 50));
    await expect(node.engine.start(createViewer(), { query: 'Well?' })).rejects.toMatchObject({
      code: 'BACKEND_TIMEOUT',
    });
    expect(fake.responses).toEqual([]);
  },
);

it('a question to a server that may have shields, but does not say so now, is refused until it does', async () => {
  await using db = await createTestDatabase();
  const backends = [{ id: 'fake', baseUrl: fake.url, models: ['fake-model'] }];
  await using node = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config: { backends } });
  const viewer = createViewer();
  const ask = () => node.engine.start(viewer, { query: 'Well?' });
  for (const path of ['version', 'providers', 'shields']) fake.on(`GET /v1/${path}`, () => status(503));
  await expect(ask()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  expect(fake.responses).toEqual([]);
  fake.on('GET /v1/shields', () => status(200, { data: [{ identifier: 'guard', provider_id: 'x' }] }));
  fake.on('POST /v1/moderations', () => status(200, { results: [{ flagged: true }] }));
  const passed = vi.spyOn(performance, 'now');
  passed.mockReturnValue(performance.now() + 5_000);
  const { turn } = await ask();
  passed.mockRestore();
  const events = await collectEvents(node.engine, viewer, { turnId: turn.id });
  expect(events.at(-1)).toMatchObject({ type: 'end', finishReason: 'SHIELD_BLOCKED' });
  expect(fake.responses).toEqual([]);
});

it('a llama-stack that fails at a later look is still one, and asked for its shields', async () => {
  const passed = vi.spyOn(performance, 'now');
  const never = new AbortController().signal;
  fake.on('GET /v1/version', () => status(200, { version: '0.3.5' }));
  const backend = createBackend(toBackendConfig(fake.url));
  expect(await backend.capabilities(never)).toMatchObject({ shields: true });
  for (const path of ['version', 'providers', 'shields']) fake.on(`GET /v1/${path}`, () => status(503));
  passed.mockReturnValue(performance.now() + 3_600_000);
  expect(await backend.capabilities(never)).toMatchObject({ shields: true });
  expect(fake.journal.filter(({ path }) => path === '/v1/version')).toHaveLength(2);
  await expect(backend.listShields(never)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});
