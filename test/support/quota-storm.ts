/** Storms on one balance: many spenders on two server processes of which one is killed, and one question asked very often. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { delay } from '../../src/lib/abort.ts';
import type { QuotaSubject } from '../../src/types/quota.ts';
import { startProcess, type TestProcess } from './child-process.ts';
import { type FakeBackend, startFakeBackend } from './fake-backend.ts';
import { createGate, type Gate, stream, textResponse } from './fake-backend-script.ts';
import { UNLIMITED } from './limits.ts';
import { createOpenDirectory } from './postgres.ts';
import { findBookErrors } from './quotas.ts';

export interface StormOptions {
  readonly databaseUrl: string;
  readonly viewers: readonly string[];
  /** USER: each viewer has a balance; CLUSTER: all viewers have one together. */
  readonly subject: QuotaSubject;
}

export interface SpendOptions {
  /** Who spend, by turns. One, where each has a balance. */
  readonly viewers: readonly [string, ...string[]];
  readonly spenders: number;
  /** Questions that the balance is worth, exactly. */
  readonly worth: number;
  /** Kill the first node when it has committed that many acceptances, before anybody learns of the last. */
  readonly killAfter: number;
}

export interface SpendResult {
  readonly accepted: number;
  readonly refused: number;
  /** The least that was available at any look. */
  readonly least: number;
  readonly reserved: number;
  readonly bookErrors: readonly unknown[];
}

export interface RepeatResult {
  readonly turns: number;
  readonly upstreamCalls: number;
  readonly charges: number;
}

export interface Storm extends AsyncDisposable {
  spend(options: SpendOptions): Promise<SpendResult>;
  /** Asks each of so many questions so often, in parallel and on both nodes, under one key. */
  repeat(options: {
    readonly viewer: string;
    readonly keys: number;
    readonly times: number;
  }): Promise<RepeatResult>;
}

const QUERY = 'May I?';
const ALLOWANCE = 256;
const START = `mutation ($input: StartTurnInput!) { startTurn(input: $input) { turn { id } } }`;
/** How long a question is asked again before the test is given up. */
const PATIENCE_MS = 120_000;
const RETRY_MS = 50;
/** Questions of a repetition that are asked at once. */
const KEYS_AT_ONCE = 10;

interface StormNode {
  readonly process: TestProcess;
  readonly url: string;
}

interface Rig {
  readonly fake: FakeBackend;
  readonly sql: postgres.Sql;
  readonly configFile: string;
  readonly databaseUrl: string;
  readonly subject: QuotaSubject;
}

const keyOf = (viewer: string): string => `the-key-of-${viewer}-which-is-long`;

/** The processes are started by each storm; the backend and the configuration are there for all of them. */
export async function startStorm({ databaseUrl, viewers, subject }: StormOptions): Promise<Storm> {
  await using resources = new AsyncDisposableStack();
  const fake = resources.use(await startFakeBackend());
  const folder = resources.use(await createOpenDirectory());
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => {} });
  resources.defer(() => sql.end());
  const configFile = join(folder.path, 'millrace.json');
  await writeFile(configFile, JSON.stringify(toConfig(fake, viewers, subject)));
  const rig: Rig = { fake, sql, configFile, databaseUrl, subject };
  const owned = resources.move();
  return {
    spend: (options) => spend(rig, options),
    repeat: (options) => repeat(rig, options),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function toConfig(fake: FakeBackend, viewers: readonly string[], kind: QuotaSubject) {
  return {
    logLevel: 'silent',
    authentication: {
      module: 'api-key-token',
      apiKey: { keys: viewers.map((id) => ({ id, key: keyOf(id) })) },
    },
    backends: [{ id: 'fake', baseUrl: fake.url, models: ['fake-model'], maxOutputTokens: ALLOWANCE }],
    turns: { leaseMs: 3_000 },
    limits: UNLIMITED,
    quotas: { limiters: [{ name: 'storm', kind, initialQuota: 1_000_000_000, period: '1 day' }] },
  };
}

async function startNode({ configFile, databaseUrl }: Rig, faults?: string): Promise<StormNode> {
  const process = startProcess('src/main.ts', ['serve', '--config', configFile], {
    DATABASE_URL: databaseUrl,
    PORT: '0',
    ...(faults !== undefined && { MILLRACE_FAULTS: faults }),
  });
  const screen = await process.waitFor('Ctrl+C');
  return { process, url: /http:\/\/127\.0\.0\.1:\d+\/graphql/.exec(screen)?.[0] ?? '' };
}

type Outcome = { readonly turnId: string } | 'REFUSED';

/** Asks until somebody has decided: where a node is gone or busy, the other one under the same key. */
async function decide(
  nodes: readonly StormNode[],
  viewer: string,
  key: string,
  first: number,
): Promise<Outcome> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let attempt = 0; performance.now() < deadline; attempt += 1) {
    const node = nodes[(first + attempt) % nodes.length];
    const outcome = node && (await ask(node.url, viewer, key));
    if (outcome) return outcome;
    await delay(RETRY_MS);
  }
  throw new Error(`nobody decided about ${key}`);
}

/** Undefined: it may be asked again. */
async function ask(url: string, viewer: string, clientTurnId: string): Promise<Outcome | undefined> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keyOf(viewer)}` },
    body: JSON.stringify({ query: START, variables: { input: { query: QUERY, clientTurnId } } }),
  }).catch(() => undefined);
  const body = await response?.json().catch(() => undefined);
  if (body === undefined) return undefined;
  if (body.data?.startTurn) return { turnId: body.data.startTurn.turn.id };
  const { code, retryable } = body.errors?.[0]?.extensions ?? {};
  if (code === 'QUOTA_EXCEEDED') return 'REFUSED';
  if (retryable) return undefined;
  throw new Error(JSON.stringify(body));
}

/** What one question sets aside, as all of the storm do, and the id of the node that answers it. */
async function measure(rig: Rig, node: StormNode, viewer: string) {
  const gate = createGate();
  rig.fake.onResponse = () => ({ ...stream(textResponse('Yes.')), holds: { 0: gate } });
  const outcome = await decide([node], viewer, 'measure', 1);
  if (outcome === 'REFUSED') throw new Error('the measuring question was refused');
  const [row] = await rig.sql`
    SELECT amount::int AS reservation, lease_owner AS "nodeId" FROM turn JOIN quota_ledger ON turn_id = turn.id
    WHERE turn.id = ${outcome.turnId} AND kind = 'RESERVE'`;
  gate.release();
  await waitForEnds(rig);
  return row as { readonly reservation: number; readonly nodeId: string };
}

/** Whose balance the viewer spends. */
const ownerOf = ({ subject }: Rig, viewer: string): string => (subject === 'CLUSTER' ? '' : viewer);

/** Leaves exactly that much in the balance. */
async function leave({ sql, subject }: Rig, owner: string, amount: number): Promise<void> {
  await sql`
    WITH changed AS (
      UPDATE limiter_balance AS new SET available = ${amount} FROM limiter_balance AS old
      WHERE new.owner_id = ${owner} AND old.owner_id = new.owner_id RETURNING new.available - old.available AS change
    )
    INSERT INTO quota_ledger (limiter, subject, owner_id, kind, amount, change, actor_id)
    SELECT 'storm', ${subject}, ${owner}, 'ADJUST', change, change, 'storm' FROM changed`;
}

/** Looks again and again until it is disposed of; tells the least that it saw. */
function watchLeast({ sql }: Rig, owner: string) {
  const stop = new AbortController();
  let least = Number.POSITIVE_INFINITY;
  const watching = (async () => {
    while (!stop.signal.aborted) {
      const [row] = await sql`SELECT least(available, reserved, overrun)::float8 AS least FROM limiter_balance
        WHERE owner_id = ${owner}`;
      least = Math.min(least, row?.least ?? least);
      await delay(5, stop.signal);
    }
  })();
  return {
    read: () => least,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}

async function waitForEnds({ sql }: Rig): Promise<void> {
  const countRunning = async () => (await sql`SELECT FROM turn WHERE status = 'RUNNING'`).length;
  while ((await countRunning()) > 0) await delay(RETRY_MS);
}

/** What the killed node had not asked the model yet would give its reservation back, and more could be accepted than fit. */
async function holdBackTakeover({ sql }: Rig, survivorId: string): Promise<void> {
  await sql`UPDATE turn SET lease_until = now() + interval '1 hour'
    WHERE status = 'RUNNING' AND lease_owner <> ${survivorId}`;
}

async function allowTakeover({ sql }: Rig, survivorId: string): Promise<void> {
  await sql`UPDATE turn SET lease_until = now() - interval '1 second'
    WHERE status = 'RUNNING' AND lease_owner <> ${survivorId}`;
}

async function spend(rig: Rig, options: SpendOptions): Promise<SpendResult> {
  const { viewers, spenders, worth, killAfter } = options;
  const [viewer] = viewers;
  const owner = ownerOf(rig, viewer);
  const first = await startNode(rig, `accept:after=kill@${killAfter}`);
  await using killed = first.process;
  const second = await startNode(rig);
  await using _second = second.process;
  const nodes = [first, second];
  const { reservation, nodeId } = await measure(rig, second, viewer);
  await leave(rig, owner, worth * reservation);
  const gate: Gate = createGate();
  const usage = { inputTokens: reservation - ALLOWANCE, outputTokens: ALLOWANCE };
  rig.fake.onResponse = () => ({ ...stream(textResponse('Yes.', { usage })), holds: { 0: gate } });
  await using watch = watchLeast(rig, owner);
  const isHeld = killed.exit.then(() => holdBackTakeover(rig, nodeId));
  const asking = Array.from({ length: spenders }, (_, index) =>
    decide(nodes, viewers[index % viewers.length] ?? viewer, `spend-${index}`, index),
  );
  const outcomes = await Promise.all(asking);
  const turns = new Set(outcomes.flatMap((outcome) => (outcome === 'REFUSED' ? [] : [outcome.turnId])));
  // Where the other node was faster, it has not died of its fault: then it dies with its turns running.
  killed.send('SIGKILL');
  await isHeld;
  gate.release();
  await allowTakeover(rig, nodeId);
  await waitForEnds(rig);
  const [balance] = await rig.sql`SELECT reserved::int FROM limiter_balance WHERE owner_id = ${owner}`;
  return {
    accepted: turns.size,
    refused: outcomes.filter((outcome) => outcome === 'REFUSED').length,
    least: watch.read(),
    reserved: balance?.reserved ?? -1,
    bookErrors: await findBookErrors({ driver: rig.sql }),
  };
}

async function repeat(
  rig: Rig,
  { viewer, keys, times }: { readonly viewer: string; readonly keys: number; readonly times: number },
): Promise<RepeatResult> {
  const nodes = await Promise.all([startNode(rig), startNode(rig)]);
  rig.fake.onResponse = () => stream(textResponse('Yes.'));
  const before = rig.fake.responses.length;
  const left = Array.from({ length: keys }, (_, index) => `repeat-${index}`).values();
  const turns = new Set<string>();
  const askNext = async (): Promise<void> => {
    for (const key of left) {
      const asked = Array.from({ length: times }, (_, index) => decide(nodes, viewer, key, index));
      for (const outcome of await Promise.all(asked)) if (outcome !== 'REFUSED') turns.add(outcome.turnId);
    }
  };
  await Promise.all(Array.from({ length: KEYS_AT_ONCE }, askNext));
  await waitForEnds(rig);
  const charges = await rig.sql`SELECT FROM quota_ledger WHERE owner_id = ${viewer} AND kind = 'SETTLE'`;
  for (const { process } of nodes) await process[Symbol.asyncDispose]();
  return { turns: turns.size, upstreamCalls: rig.fake.responses.length - before, charges: charges.length };
}
