/** How many turns run at once: of one viewer over all nodes, and on one node. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ConfigInput } from '../../../src/config/config.ts';
import { newId } from '../../../src/lib/ids.ts';
import type { StartedTurn } from '../../../src/turns/engine.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';

let db: TestDatabase;
let fake: FakeBackend;
let viewer: Viewer;
beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({ onResponse: () => ({ kind: 'silence' }) });
});
beforeEach(() => {
  viewer = createViewer();
});
afterAll(async () => {
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const startNode = (limits: ConfigInput['limits']): Promise<TestEngine> =>
  startTestEngine({ databaseUrl: db.url, backend: fake.url, config: { limits } });

const REFUSAL = {
  code: 'TOO_MANY_STREAMS',
  message: 'Too many turns run at once',
  details: { retryAfterMs: 1_000 },
};

const accepted = (outcomes: readonly PromiseSettledResult<StartedTurn>[]): readonly StartedTurn[] =>
  outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));

async function countConversations(): Promise<number> {
  const [row] = await db.database.driver<{ count: string }[]>`
    SELECT count(*) FROM conversation WHERE owner_id = ${viewer.id}`;
  return Number(row?.count);
}

it('of forty questions that a viewer asks on two nodes at once, five run, and of the rest nothing is stored or called', async () => {
  await using one = await startNode({ turnsPerViewer: 5 });
  await using two = await startNode({ turnsPerViewer: 5 });
  const before = fake.responses.length;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) =>
      (index % 2 === 0 ? one : two).engine.start(viewer, { query: `Question ${index}` }),
    ),
  );
  expect(accepted(outcomes)).toHaveLength(5);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(REFUSAL);
  }
  expect(await countConversations()).toBe(5);
  await expect.poll(() => fake.responses.length).toBe(before + 5);
});

it('when one has ended, the next may run; other viewers are not concerned', async () => {
  await using node = await startNode({ turnsPerViewer: 1 });
  const { turn } = await node.engine.start(viewer, { query: 'First?' });
  await expect(node.engine.start(viewer, { query: 'Second?' })).rejects.toMatchObject(REFUSAL);
  await expect(node.engine.start(createViewer(), { query: 'Mine?' })).resolves.toMatchObject({
    created: true,
  });
  await node.engine.cancel(viewer, turn.id);
  await expect(node.engine.start(viewer, { query: 'Second?' })).resolves.toMatchObject({ created: true });
});

/** Turns of the viewer that run somewhere else. */
async function insertRunning(count: number): Promise<void> {
  await db.database.driver`
    WITH made AS (
      INSERT INTO conversation (id, owner_id)
      SELECT gen_random_uuid()::text, ${viewer.id} FROM generate_series(1, ${count}) RETURNING id
    )
    INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model, lease_owner, lease_until)
    SELECT gen_random_uuid(), ${viewer.id}, id, 'f', '{}', 'RUNNING', 'Running?', 'fake', 'fake-model', 'elsewhere',
      now() + interval '1 hour' FROM made`;
}

async function countPossible(): Promise<number> {
  const [row] = await db.database.driver<{ count: number }[]>`
    SELECT current_setting('max_connections')::int AS count`;
  return row?.count ?? 0;
}

it('near a high limit, questions that are asked at once on two nodes are counted one by one', async () => {
  const limits = { turnsPerViewer: 2 * (await countPossible()) };
  await using one = await startNode(limits);
  await using two = await startNode(limits);
  await insertRunning(limits.turnsPerViewer - 3);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? one : two).engine.start(viewer, { query: `Question ${index}` }),
    ),
  );
  expect(accepted(outcomes)).toHaveLength(3);
});

it('far from a high limit they do not wait for each other, and for those near it they do', async () => {
  const limit = 2 * (await countPossible()) + 10;
  await using node = await startNode({ turnsPerViewer: limit });
  const { driver } = db.database;
  /** As one that is being accepted. */
  const beside = <T>(how: 'lock' | 'lock_shared', run: () => Promise<T>): Promise<T> =>
    driver.begin(async (tx) => {
      await tx.unsafe(`SELECT pg_advisory_xact_${how}(7174, hashtext($1))`, [viewer.id]);
      return run();
    }) as Promise<T>;
  await beside('lock_shared', () => node.engine.start(viewer, { query: 'Beside?' }));
  let isAccepted = false;
  const waiting = await beside('lock', async () => {
    const started = node.engine.start(viewer, { query: 'Behind?' }).then(() => {
      isAccepted = true;
    });
    const isWaiting = async () => (await driver`SELECT FROM pg_locks WHERE NOT granted`).length;
    await expect.poll(isWaiting).toBe(1);
    expect(isAccepted).toBe(false);
    return { started };
  });
  await waiting.started;
});

it('the same question finds its turn, however many run', async () => {
  await using node = await startNode({ turnsPerViewer: 1 });
  const clientTurnId = newId();
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, () => node.engine.start(viewer, { query: 'Once?', clientTurnId })),
  );
  expect(new Set(outcomes.map(({ turn }) => turn.id)).size).toBe(1);
  expect(outcomes.filter(({ created }) => created)).toHaveLength(1);
});

it('a node takes no more turns than it can bear, whoever asks', async () => {
  await using node = await startNode({ turnsPerNode: 3 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, () => node.engine.start(createViewer(), { query: 'Room?' })),
  );
  expect(accepted(outcomes)).toHaveLength(3);
  expect(node.engine.runningCount).toBe(3);
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused[0]?.reason).toMatchObject({
    ...REFUSAL,
    details: { explanation: 'This node runs 3 turns, which is all that it takes' },
  });
});
