/** Commits that happened and were not heard of: what is done again changes nothing of what was stored. */
import { expect, it } from 'vitest';
import { createTestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine } from '../../support/engine.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { stream, textResponse } from '../../support/fake-backend-script.ts';

const viewer = createViewer();
const TEXT = 'One two three four five six.';

it.each(['flush:after', 'flush:within', 'seal:before', 'seal:within', 'seal:after'])(
  'P4: a follower sees live what is replayed later, when the database is lost at %s',
  async (point) => {
    await using fake = await startFakeBackend();
    await using db = await createTestDatabase();
    const config = { turns: { flushMs: 20 } };
    const options = { databaseUrl: db.url, backend: fake.url, config };
    await using node = await startTestEngine({ ...options, faults: `${point}=throw` });
    fake.reply(stream(textResponse(TEXT), { eventsPerSecond: 30 }));
    const { turn } = await node.engine.start(viewer, { query: 'Count.' });
    const live = await collectEvents(node.engine, viewer, { turnId: turn.id });
    await using other = await startTestEngine(options);
    expect(live.map(({ seq }) => seq)).toEqual(live.map((_, index) => index + 1));
    expect(live.slice(-2)).toMatchObject([{ type: 'turn_complete', answer: TEXT }, { type: 'end' }]);
    expect(await collectEvents(other.engine, viewer, { turnId: turn.id })).toEqual(live);
    expect(await node.engine.get(viewer, turn.id)).toMatchObject({ status: 'COMPLETED', answer: TEXT });
    expect(fake.responses).toHaveLength(1);
  },
);

it('P3: a question whose acceptance was not heard of is the same turn when it is asked again, and is asked of nobody twice', async () => {
  await using fake = await startFakeBackend();
  await using db = await createTestDatabase();
  const options = { databaseUrl: db.url, backend: fake.url, config: { turns: { leaseMs: 300 } } };
  await using node = await startTestEngine({ ...options, faults: 'accept:after=throw' });
  const question = { query: 'Count.', clientTurnId: 'one' };
  await expect(node.engine.start(viewer, question)).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
  const { turn, created } = await node.engine.start(viewer, question);
  expect(created).toBe(false);
  const events = await collectEvents(node.engine, viewer, { turnId: turn.id });
  expect(events).toMatchObject([{ type: 'start' }, { type: 'interrupted', reason: 'SERVER_LOST' }]);
  expect(fake.responses).toHaveLength(0);
});
