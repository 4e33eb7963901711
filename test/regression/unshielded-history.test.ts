/** A trap of shields: a question that was withdrawn before its verdict must not reach the model as history. */
import { expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { collectEvents, createViewer, startTestEngine } from '../support/engine.ts';
import { startFakeBackend } from '../support/fake-backend.ts';
import { status } from '../support/fake-backend-script.ts';

const viewer = createViewer();
const FINE = status(200, { id: 'm', model: 'guard', results: [{ flagged: false, categories: {} }] });

it('a question that is cancelled while a shield looks at it is not told to the backend afterwards', async () => {
  await using db = await createTestDatabase();
  await using fake = await startFakeBackend({
    models: ['fake-model', 'guard'].map((id) => ({ id, object: 'model' })),
  });
  await using node = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    config: { shields: [{ id: 'guard', provider: 'fake', model: 'guard' }] },
  });
  fake.on('POST /v1/moderations', () => ({ kind: 'silence' }));
  const { turn } = await node.engine.start(viewer, { query: 'Something terrible.' });
  await expect.poll(() => fake.journal.some(({ path }) => path === '/v1/moderations')).toBe(true);
  await node.engine.cancel(viewer, turn.id);
  fake.on('POST /v1/moderations', () => FINE);
  const { conversationId } = turn;
  const next = await node.engine.start(viewer, { query: 'Go on with that.', conversationId });
  const events = await collectEvents(node.engine, viewer, { turnId: next.turn.id });
  expect(events.at(-1)).toMatchObject({ type: 'end' });
  expect(fake.responses.map(({ body }) => body.input)).toEqual([
    [{ role: 'user', content: 'Go on with that.' }],
  ]);
});
