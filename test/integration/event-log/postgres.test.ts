/** The laws of the event log on Postgres, whatever happens to its writer, its database and its followers, in any order. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { AppError } from '../../../src/errors.ts';
import { encodeEvents } from '../../../src/event-log/codec.ts';
import type { EventLog, LogPosition, TurnWriter } from '../../../src/event-log/event-log.ts';
import { createPostgresLog } from '../../../src/event-log/postgres.ts';
import { newId } from '../../../src/lib/ids.ts';
import { createLog } from '../../../src/log.ts';
import { isTerminal, type LoggedEvent, type TerminalBody } from '../../../src/types/turn-event.ts';
import { NO_USAGE } from '../../../src/types/usage.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { toEvent } from '../../support/events.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());

type Fault = 'refused' | 'unheard';
type Step =
  | { readonly kind: 'append'; readonly count: number }
  /** The next use of the owner's database fails: before anything is done, or after it was committed. */
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** A round trip to the database, in which flushes and followers get on. */
  | { readonly kind: 'breathe' }
  /** One more follower, elsewhere, with the cursor of the newest event that was seen where the turn runs. */
  | { readonly kind: 'join' }
  /** Another node takes the turn over and ends it; its owner has not heard of it. */
  | { readonly kind: 'takeOver' }
  /** The owner's process is gone, with all that it had not stored. */
  | { readonly kind: 'crash' };

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }) }),
    },
    { weight: 4, arbitrary: fc.constant<Step>({ kind: 'breathe' }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Step>(
        { kind: 'fault', fault: 'refused' },
        { kind: 'fault', fault: 'unheard' },
      ),
    },
    { weight: 2, arbitrary: fc.constant<Step>({ kind: 'join' }) },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'takeOver' }, { kind: 'crash' }) },
  ),
  { maxLength: 20 },
);

const COMPLETE: TerminalBody = {
  type: 'end',
  referencedDocuments: [],
  ragChunkCount: 0,
  truncated: false,
  finishReason: 'STOP',
  usage: NO_USAGE,
};
const LOST: TerminalBody = { type: 'interrupted', reason: 'SERVER_LOST', answer: '', usage: NO_USAGE };

/** The database as the owner has it: it fails when told to. */
function withFaults(database: Database, faults: Fault[]): Database {
  const unavailable = () => new AppError('DEPENDENCY_UNAVAILABLE', 'Unable to connect to the database');
  const asWorker: Database['asWorker'] = async (run) => {
    const fault = faults.shift();
    if (fault === 'refused') throw unavailable();
    const result = await database.asWorker(run);
    if (fault === 'unheard') throw unavailable();
    return result;
  };
  return { ...database, asWorker };
}

const createNodeLog = (database: Database): EventLog =>
  createPostgresLog({ database, log: createLog('silent'), flushMs: 1, pollMs: 1 });

async function insertRunningTurn(): Promise<LoggedEvent> {
  const [turnId, conversationId] = [newId(), newId()];
  const body = { type: 'start', conversationId, provider: 'p', model: 'm' } as const;
  const start = toEvent(body, 1, { turnId });
  const batch = { turnId, fence: 1, firstSeq: 1, lastSeq: 1, events: encodeEvents([start]) };
  const log = createNodeLog(db.database);
  await db.database.driver`INSERT INTO conversation (id, owner_id) VALUES (${conversationId}, 'v')`;
  await db.database.driver`
    INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model)
    VALUES (${turnId}, 'v', ${conversationId}, '', '{}', 'RUNNING', '', 'p', 'm')`;
  await db.database.asWorker((tx) => log.store(tx, [batch]));
  return start;
}

interface Sight {
  readonly events: LoggedEvent[];
  /** Resolves when the log says that the turn has ended. */
  readonly ended: Promise<void>;
}

/** Follows from what was seen already; checks law 1 at every step and does what a reset says. */
function follow(log: EventLog, turnId: string, seen: readonly LoggedEvent[]): Sight {
  const events = [...seen];
  const last = events.at(-1);
  let position: LogPosition = { turnId, epoch: last?.epoch ?? 0, seq: last?.seq ?? 0 };
  const advance = async (): Promise<boolean> => {
    const step = await log.read(position, AbortSignal.timeout(10_000)).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
      return { kind: 'retry' } as const;
    });
    if (step?.kind === 'retry') return true;
    if (step?.kind === 'ended') return false;
    if (step?.kind === 'reset') {
      expect(step.afterSeq).toBeLessThan(position.seq);
      events.splice(step.afterSeq);
      position = { turnId, epoch: step.epoch, seq: step.afterSeq };
      return true;
    }
    if (step?.kind !== 'events') throw new Error(`a follower was told ${step?.kind ?? 'nothing'}`);
    expect(step.events.map((event) => event.seq)).toEqual(step.events.map((_, i) => position.seq + 1 + i));
    events.push(...step.events);
    position = step.events.at(-1) ?? position;
    return true;
  };
  const ended = (async () => {
    while (await advance());
  })();
  return { events, ended };
}

/** What the reaper does, in one transaction: a new fence, its epoch, its terminal event. */
async function takeOver(log: EventLog, turnId: string): Promise<void> {
  await db.database.asWorker(async (tx) => {
    const [row] = await tx.execute<{ fence: number }>(
      `UPDATE turn SET fence = fence + 1 WHERE id = '${turnId}' AND status = 'RUNNING' RETURNING fence`,
    );
    if (!row) return;
    const lease = { turnId, fence: row.fence };
    const seq = ((await log.readAll(tx, turnId)).at(-1)?.seq ?? 0) + 1;
    const events = encodeEvents([toEvent(LOST, seq, { turnId, epoch: row.fence })]);
    await log.recordEpoch(tx, lease, seq);
    await log.store(tx, [{ ...lease, firstSeq: seq, lastSeq: seq, events }]);
    await tx.execute(
      `UPDATE turn SET status = 'INTERRUPTED', completed_at = now(), last_seq = ${seq} WHERE id = '${turnId}'`,
    );
  });
}

/** What the end of a turn does; an owner that was overtaken learns it here at the latest. */
async function seal(database: Database, log: EventLog, writer: TurnWriter): Promise<void> {
  const { turnId, fence } = writer.lease;
  const { batches, lastSeq, deliver } = await writer.prepareSeal(COMPLETE);
  const sealed = await database.asWorker(async (tx) => {
    const rows = await tx.execute(
      `UPDATE turn SET status = 'COMPLETED', completed_at = now(), last_seq = ${lastSeq}
       WHERE id = '${turnId}' AND fence = ${fence} AND status = 'RUNNING' RETURNING id`,
    );
    if (rows.length > 0) await log.store(tx, batches);
    return rows.length > 0;
  });
  if (sealed) deliver();
  else writer.abandon();
}

async function play(script: readonly Step[]) {
  const start = await insertRunningTurn();
  const { turnId } = start;
  const faults: Fault[] = [];
  const elsewhere = createNodeLog(db.database);
  const here = createNodeLog(withFaults(db.database, faults));
  const writer = here.open({ turnId, fence: 1 }, start, () => undefined);
  const local = follow(here, turnId, []);
  const sights = [local, follow(elsewhere, turnId, [])];
  let chunkId = 0;
  const acts: { readonly [Kind in Step['kind']]: (step: Extract<Step, { kind: Kind }>) => unknown } = {
    append: ({ count }) =>
      writer.append(Array.from({ length: count }, () => ({ type: 'token', chunkId: chunkId++, token: 'x' }))),
    fault: ({ fault }) => faults.push(fault),
    breathe: () => db.database.ping(),
    join: () => sights.push(follow(elsewhere, turnId, local.events)),
    takeOver: () => takeOver(elsewhere, turnId),
    crash: () => writer.abandon(),
  };
  let crashed = false;
  for (const step of script) {
    crashed ||= step.kind === 'crash';
    await (acts[step.kind] as (step: Step) => unknown)(step);
  }
  faults.length = 0;
  if (crashed) await takeOver(elsewhere, turnId);
  else await seal(db.database, here, writer);
  await Promise.all(sights.map((sight) => sight.ended));
  const stored = await db.database.asWorker((tx) => elsewhere.readAll(tx, turnId));
  for (const log of [here, elsewhere]) await log[Symbol.asyncDispose]();
  return { sights, stored };
}

describe('the laws of the event log', () => {
  it('hold for every follower, whatever happens in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const { sights, stored } = await play(script);
        // 1 order and 3 the seal is final
        expect(stored.map((event) => event.seq)).toEqual(stored.map((_, index) => index + 1));
        expect(stored.map(isTerminal)).toEqual(stored.map((_, index) => index === stored.length - 1));
        // 5 a stale fence writes nothing: epochs only grow
        expect(stored.map((event) => event.epoch)).toEqual(stored.map((event) => event.epoch).toSorted());
        // 2 replay equals live
        for (const { events } of sights) expect(events).toEqual(stored);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('4 expiry is explicit: what is deleted is not skipped', async () => {
    const { stored } = await play([
      { kind: 'append', count: 3 },
      { kind: 'breathe' },
      { kind: 'append', count: 3 },
      { kind: 'takeOver' },
    ]);
    const turnId = stored[0]?.turnId ?? '';
    await db.database.driver`DELETE FROM turn_event_batch WHERE turn_id = ${turnId} AND first_seq < 3`;
    await using log = createNodeLog(db.database);
    const signal = new AbortController().signal;
    expect(await log.read({ turnId, epoch: 0, seq: 0 }, signal)).toEqual({ kind: 'expired' });
    await db.database.driver`DELETE FROM turn_event_batch WHERE turn_id = ${turnId}`;
    expect(await log.read({ turnId, epoch: 1, seq: 1 }, signal)).toEqual({ kind: 'expired' });
    const end = { turnId, epoch: 2, seq: stored.length };
    expect(await log.read(end, signal)).toEqual({ kind: 'ended' });
    expect(await log.read({ ...end, turnId: newId() }, signal)).toEqual({ kind: 'expired' });
  });
});

describe('followers of turns that another node writes', () => {
  it('that have nothing to read cost one statement an interval, however many they are', async () => {
    const starts = await Promise.all(Array.from({ length: 20 }, insertRunningTurn));
    let uses = 0;
    const counted: Database = {
      ...db.database,
      asWorker: (run) => {
        uses += 1;
        return db.database.asWorker(run);
      },
    };
    await using log = createPostgresLog({
      database: counted,
      log: createLog('silent'),
      flushMs: 1,
      pollMs: 20,
    });
    const controller = new AbortController();
    const reading = starts.map(({ turnId }) => log.read({ turnId, epoch: 1, seq: 1 }, controller.signal));
    await expect.poll(() => uses).toBeGreaterThan(starts.length + 5);
    const [before, beganAt] = [uses, performance.now()];
    await expect.poll(() => uses).toBeGreaterThan(before + 5);
    expect(uses - before).toBeLessThanOrEqual((performance.now() - beganAt) / 20 + 2);
    controller.abort();
    expect(await Promise.all(reading)).toEqual(starts.map(() => undefined));
    const idle = uses;
    await db.database.ping();
    expect(uses).toBeLessThanOrEqual(idle + 1);
  });
});
