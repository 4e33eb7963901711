/** The laws of the event log for every way of reading it, whatever happens to its writer, its database, its notifications and its followers. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { createListener, type Listener } from '../../../src/db/listener.ts';
import { AppError } from '../../../src/errors.ts';
import { newId } from '../../../src/lib/ids.ts';
import { createLog } from '../../../src/log.ts';
import { isTerminal } from '../../../src/types/turn-event.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createNodeLog, DEAF, type NodeListener } from '../../support/event-log.ts';
import { follow, insertRunningTurn, seal, takeOver } from '../../support/logged-turns.ts';

let db: TestDatabase;
let listener: Listener;
beforeAll(async () => {
  db = await createTestDatabase();
  listener = createListener({ url: db.url, log: createLog('silent') });
});
afterAll(async () => {
  await listener[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** A way of reading the log. */
interface Way {
  readonly name: string;
  /** Where followers join. */
  readonly place: 'here' | 'elsewhere';
  readonly durability: 'async' | 'sync';
  readonly listener: () => NodeListener;
  /** Pauses of the poll, in milliseconds. */
  readonly pollMs: number;
  readonly slowPollMs: number;
}

const hearing = { listener: () => listener, pollMs: 20, slowPollMs: 2_000 };
const deaf = { listener: () => DEAF, pollMs: 1, slowPollMs: 1 };
const WAYS: readonly Way[] = [
  { name: 'in the process that writes', place: 'here', durability: 'async', ...hearing },
  { name: 'on another node, by notifications', place: 'elsewhere', durability: 'async', ...hearing },
  { name: 'on another node, every notification lost', place: 'elsewhere', durability: 'async', ...deaf },
  { name: 'in the process that writes, sync', place: 'here', durability: 'sync', ...hearing },
  { name: 'on another node, sync', place: 'elsewhere', durability: 'sync', ...hearing },
];

type Fault = 'refused' | 'unheard';
type Step =
  | { readonly kind: 'append'; readonly count: number }
  /** The next use of the owner's database fails: before anything is done, or after it was committed. */
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** A round trip to the database, in which flushes and followers get on. */
  | { readonly kind: 'breathe' }
  /** One more follower, with the cursor of the newest event that was seen where the turn runs. */
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

async function play(way: Way, script: readonly Step[]) {
  const start = await insertRunningTurn(db.database);
  const { turnId } = start;
  const faults: Fault[] = [];
  const options = { ...way, listener: way.listener() };
  const elsewhere = createNodeLog({ ...options, database: db.database });
  const here = createNodeLog({ ...options, database: withFaults(db.database, faults) });
  const writer = here.open({ turnId, fence: 1 }, start, () => undefined);
  const local = follow(here, turnId, []);
  const joined = way.place === 'here' ? here : elsewhere;
  const sights = [local, follow(joined, turnId, [])];
  let chunkId = 0;
  const acts: { readonly [Kind in Step['kind']]: (step: Extract<Step, { kind: Kind }>) => unknown } = {
    append: ({ count }) =>
      writer.append(Array.from({ length: count }, () => ({ type: 'token', chunkId: chunkId++, token: 'x' }))),
    fault: ({ fault }) => faults.push(fault),
    breathe: () => db.database.ping(),
    join: () => sights.push(follow(joined, turnId, local.events)),
    takeOver: () => takeOver(db.database, elsewhere, turnId),
    crash: () => writer.abandon(),
  };
  let crashed = false;
  for (const step of script) {
    crashed ||= step.kind === 'crash';
    await (acts[step.kind] as (step: Step) => unknown)(step);
  }
  faults.length = 0;
  if (crashed) await takeOver(db.database, elsewhere, turnId);
  else await seal(db.database, here, writer);
  await Promise.all(sights.map((sight) => sight.ended));
  const { events: stored } = await db.database.asWorker((tx) => elsewhere.readAll(tx, turnId));
  for (const log of [here, elsewhere]) await log[Symbol.asyncDispose]();
  return { sights, stored };
}

const append = (count: number): Step => ({ kind: 'append', count });
const breathe: Step = { kind: 'breathe' };
const join: Step = { kind: 'join' };

/** One of each of the things that can happen, at the moment when it hurts. */
const SCRIPTS: readonly (readonly [what: string, script: readonly Step[]])[] = [
  ['a turn without a token', []],
  ['a turn that is stored in one piece with its end', [append(5)]],
  ['a turn that is stored in many pieces', [append(1), breathe, append(4), breathe, append(2), breathe]],
  ['followers who join in the middle', [append(3), join, breathe, append(3), join, breathe, join]],
  ['a write that is refused', [{ kind: 'fault', fault: 'refused' }, append(3), breathe, append(3), breathe]],
  [
    'a write whose outcome is not heard',
    [{ kind: 'fault', fault: 'unheard' }, append(3), breathe, append(3)],
  ],
  [
    'a take-over of a turn that is stored',
    [append(3), breathe, breathe, { kind: 'takeOver' }, join, append(2)],
  ],
  [
    'a take-over with events that are not stored',
    [append(3), join, { kind: 'takeOver' }, append(2), breathe],
  ],
  ['a crash with events that are not stored', [append(3), breathe, append(3), join, { kind: 'crash' }, join]],
];

describe.each(WAYS)('P1: the laws of the event log, read $name', (way) => {
  const check = async (script: readonly Step[]): Promise<void> => {
    const { sights, stored } = await play(way, script);
    // 1 order and 3 the seal is final
    expect(stored.map((event) => event.seq)).toEqual(stored.map((_, index) => index + 1));
    expect(stored.map(isTerminal)).toEqual(stored.map((_, index) => index === stored.length - 1));
    // 5 a stale fence writes nothing: epochs only grow
    expect(stored.map((event) => event.epoch)).toEqual(stored.map((event) => event.epoch).toSorted());
    // 2 replay equals live
    for (const { events } of sights) expect(events).toEqual(stored);
    // 6 what is shown only when it is stored is never taken back
    if (way.durability === 'sync') expect(sights.map(({ resets }) => resets)).toEqual(sights.map(() => 0));
  };

  it.each(SCRIPTS)('hold for %s', (_what, script) => check(script));

  it('hold for every follower, whatever happens in whatever order', async () => {
    await fc.assert(fc.asyncProperty(steps, check), { numRuns: 30 });
  }, 60_000);

  it('4 expiry is explicit: what is deleted is not skipped', async () => {
    const { stored } = await play(way, [append(3), breathe, append(3), { kind: 'takeOver' }]);
    const turnId = stored[0]?.turnId ?? '';
    await db.database.driver`DELETE FROM turn_event_batch WHERE turn_id = ${turnId} AND first_seq < 3`;
    await using log = createNodeLog({ ...way, listener: way.listener(), database: db.database });
    const signal = new AbortController().signal;
    expect(await log.read({ turnId, epoch: 0, seq: 0 }, signal)).toEqual({ kind: 'expired' });
    await db.database.driver`DELETE FROM turn_event_batch WHERE turn_id = ${turnId}`;
    expect(await log.read({ turnId, epoch: 1, seq: 1 }, signal)).toEqual({ kind: 'expired' });
    const end = { turnId, epoch: 2, seq: stored.length };
    expect(await log.read(end, signal)).toEqual({ kind: 'ended' });
    expect(await log.read({ ...end, turnId: newId() }, signal)).toEqual({ kind: 'expired' });
  });
});
