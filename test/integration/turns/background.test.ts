/** Turns whose backend answers in the background, as configured: whole although the connection breaks off. */
import { expect, it } from 'vitest';
import type { BackendConfig } from '../../../src/config/config.ts';
import { createTestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, joinTokens, startTestEngine } from '../../support/engine.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { status, stream, textResponse } from '../../support/fake-backend-script.ts';

const viewer = createViewer();
const text = 'An answer that goes on in the background.';
const events = textResponse(text);

const entry = (baseUrl: string, kind: BackendConfig['kind']) => ({
  backends: [{ id: 'fake', kind, baseUrl, models: ['m'], background: true }],
});

it('a turn is whole although its connection broke off, and the model was asked once', async () => {
  await using db = await createTestDatabase();
  await using fake = await startFakeBackend();
  fake.reply(stream(events, { breaks: { after: 7, how: 'reset' } }));
  fake.on('GET /v1/responses/resp_1', () => stream(events.slice(7)));
  await using node = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: entry(fake.url, 'other'),
  });
  const { turn } = await node.engine.start(viewer, { query: 'Will it last?' });
  const seen = await collectEvents(node.engine, viewer, { turnId: turn.id });
  expect(joinTokens(seen)).toBe(text);
  expect(await node.engine.get(viewer, turn.id)).toMatchObject({ status: 'COMPLETED', answer: text });
  expect(fake.responses).toHaveLength(1);
});

it('a cancelled turn is cancelled at the backend', async () => {
  await using db = await createTestDatabase();
  await using fake = await startFakeBackend();
  const cancelled = Promise.withResolvers<void>();
  fake.reply(stream(events, { breaks: { after: 7, how: 'stall' } }));
  fake.on('POST /v1/responses/resp_1/cancel', () => {
    cancelled.resolve();
    return status(200, { id: 'resp_1', status: 'cancelled' });
  });
  await using node = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: entry(fake.url, 'other'),
  });
  const { turn } = await node.engine.start(viewer, { query: 'Will it stop?' });
  const batches = await node.engine.follow(viewer, { turnId: turn.id }, new AbortController().signal);
  for await (const batch of batches) if (batch.some(({ type }) => type === 'token')) break;
  await node.engine.cancel(viewer, turn.id);
  await cancelled.promise;
});

it('where the backend cannot, the answer comes without it and a warning says so', async () => {
  await using db = await createTestDatabase();
  await using fake = await startFakeBackend();
  fake.reply(stream(events));
  await using node = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: entry(fake.url, 'ogx'),
  });
  const { turn } = await node.engine.start(viewer, { query: 'Will it warn?' });
  const seen = await collectEvents(node.engine, viewer, { turnId: turn.id });
  expect(seen.find(({ type }) => type === 'warning')).toMatchObject({
    warning: 'CAPABILITY_MISSING',
    message: expect.stringContaining('background'),
  });
  expect(fake.responses[0]?.body).not.toHaveProperty('background');
});
