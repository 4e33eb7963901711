/** Nodes as real processes that are stopped and come back, or are gone for good, or do not know what time it is. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, type Gate, stream, textResponse } from '../support/fake-backend-script.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { followOverWs, toHeld } from '../support/ws-follower.ts';

const LEASE_MS = 2_000;
/** Longer than a lease, and than what counts as a short absence. */
const PAUSE_MS = 4_000;
const SLOW = { timeout: 60_000 };
let db: TestDatabase;
let fake: FakeBackend;
let gate: Gate;

beforeEach(async () => {
  db = await createTestDatabase();
  gate = createGate();
  fake = await startFakeBackend({
    onResponse: () => ({
      ...stream(textResponse('One two three.', { pieces: ['One ', 'two ', 'three.'] })),
      holds: { 6: gate },
    }),
  });
});
afterEach(async () => {
  gate.release();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const startNode = (clockShiftMs?: number) =>
  startNodeProcess({
    databaseUrl: db.url,
    backend: fake.url,
    leaseMs: LEASE_MS,
    ...(clockShiftMs !== undefined && { clockShiftMs }),
  });

const ask = (more = '') => `streamingQuery(input: { query: "Count."${more} })`;

async function pass(ms: number): Promise<void> {
  const from = performance.now();
  await expect.poll(() => performance.now() - from, SLOW).toBeGreaterThan(ms);
}

interface TurnRow {
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
}

async function readTurn(turnId: string): Promise<TurnRow | undefined> {
  const [row] = await db.database.driver<TurnRow[]>`
    SELECT id, status, interrupt_reason AS reason FROM turn WHERE id = ${turnId}`;
  return row;
}

/** What is stored of a turn, in order: the epoch and the last seq of each batch, and where the second epoch begins. */
async function readLog(turnId: string) {
  const batches = await db.database.driver<{ epoch: number; first: number; last: number }[]>`
    SELECT epoch, first_seq AS first, last_seq AS last FROM turn_event_batch
    WHERE turn_id = ${turnId} ORDER BY first_seq`;
  const epochs = await db.database.driver<{ epoch: number; first: number }[]>`
    SELECT epoch, first_seq AS first FROM turn_epoch WHERE turn_id = ${turnId}`;
  return { batches: [...batches], epochs: [...epochs] };
}

describe('a node that was stopped for longer than its lease', () => {
  it('writes nothing to what it lost, ends its request to the backend and sends its followers away (1012)', async () => {
    await using sleeper = await startNode();
    await using other = await startNode();
    await using first = followOverWs(sleeper.ws, ask());
    await expect.poll(() => first.text, SLOW).toBe('One two ');
    const turnId = first.events[0]?.turnId ?? '';
    const upstream = await fake.received(1);
    await using elsewhere = followOverWs(other.ws, `turnEvents(turnId: "${turnId}")`);
    await expect.poll(() => elsewhere.text, SLOW).toBe('One two ');

    sleeper.send('SIGSTOP');
    await elsewhere.done;
    expect(elsewhere.events.at(-1)).toMatchObject({ reason: 'SERVER_LOST', answer: 'One two ' });
    // What the backend goes on to say waits for the sleeper.
    gate.release();
    const logBefore = await readLog(turnId);
    sleeper.send('SIGCONT');

    expect(await first.closed).toBe(1012);
    await upstream.closed;
    const lastCursor = first.events.at(-1)?.cursor;
    await using back = followOverWs(sleeper.ws, `turnEvents(turnId: "${turnId}", after: "${lastCursor}")`);
    await back.done;
    // What it told after the takeover, if anything, is taken back; what a client then holds is what is stored.
    const kept = toHeld([...first.events, ...back.events]);
    expect(kept.map(({ seq }) => seq)).toEqual(elsewhere.events.map(({ seq }) => seq));
    expect(kept.filter(({ __typename }) => __typename === 'InterruptedEvent')).toMatchObject([
      { reason: 'SERVER_LOST', answer: 'One two ' },
    ]);
    expect(await readLog(turnId)).toEqual(logBefore);
    expect(logBefore.epochs).toEqual([{ epoch: 2, first: elsewhere.events.at(-1)?.seq }]);
    expect(logBefore.batches.filter(({ epoch }) => epoch === 2)).toHaveLength(1);
    expect(await readTurn(turnId)).toMatchObject({ status: 'INTERRUPTED', reason: 'SERVER_LOST' });
  }, 120_000);

  it('ends no turns of others before it has been back for a lease', async () => {
    await using sleeper = await startNode();
    await using gone = await startNode();
    await using follower = followOverWs(gone.ws, ask());
    await expect.poll(() => follower.text, SLOW).toBe('One two ');
    const turnId = follower.events[0]?.turnId ?? '';
    sleeper.send('SIGSTOP');
    gone.send('SIGKILL');
    await pass(PAUSE_MS);
    const [woken] = await db.database.driver<{ at: string }[]>`SELECT clock_timestamp()::text AS at`;
    sleeper.send('SIGCONT');
    await expect.poll(async () => (await readTurn(turnId))?.reason, SLOW).toBe('SERVER_LOST');
    const [ended] = await db.database.driver<{ ms: number }[]>`
      SELECT (extract(epoch FROM completed_at - ${woken?.at ?? ''}::text::timestamptz) * 1000)::float8 AS ms
      FROM turn WHERE id = ${turnId}`;
    expect(ended?.ms).toBeGreaterThanOrEqual(LEASE_MS - 1);
  }, 120_000);
});

describe('nodes whose clocks are ten minutes fast and ten minutes slow', () => {
  const TEN_MINUTES = 600_000;

  it.each([
    ['fast', TEN_MINUTES, -TEN_MINUTES],
    ['slow', -TEN_MINUTES, TEN_MINUTES],
  ])(
    'leave each other their turns, stop them for each other and take over what is orphaned: the owner is %s',
    async (_name, ownShift, otherShift) => {
      await using owner = await startNode(ownShift);
      await using other = await startNode(otherShift);
      await using cancelled = followOverWs(owner.ws, ask());
      await using orphaned = followOverWs(owner.ws, ask());
      await using unfollowed = followOverWs(owner.ws, ask(', onDisconnect: CANCEL'));
      const idOf = (follower: typeof cancelled) => follower.events[0]?.turnId ?? '';
      for (const follower of [cancelled, orphaned, unfollowed]) {
        await expect.poll(() => follower.text, SLOW).toBe('One two ');
      }
      await using elsewhere = followOverWs(other.ws, `turnEvents(turnId: "${idOf(unfollowed)}")`);
      await expect.poll(() => elsewhere.text, SLOW).toBe('One two ');
      await unfollowed[Symbol.asyncDispose]();
      await pass(2 * LEASE_MS);
      for (const follower of [cancelled, orphaned, unfollowed]) {
        expect(await readTurn(idOf(follower))).toMatchObject({ status: 'RUNNING' });
      }
      const response = await fetch(other.graphql, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          query: `mutation { cancelTurn(input: { turnId: "${idOf(cancelled)}" }) { outcome } }`,
        }),
      });
      expect(await response.json()).toEqual({ data: { cancelTurn: { outcome: 'CANCELLED' } } });
      owner.send('SIGKILL');
      await using follower = followOverWs(other.ws, `turnEvents(turnId: "${idOf(orphaned)}")`);
      await follower.done;
      expect(follower.events.at(-1)).toMatchObject({ reason: 'SERVER_LOST', answer: 'One two ' });
    },
    120_000,
  );
});
