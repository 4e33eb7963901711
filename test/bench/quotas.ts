/** The storms on quotas in full. */
import type { QuotaSubject } from '../../src/types/quota.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { type SpendResult, startStorm } from '../support/quota-storm.ts';

interface Size {
  /** Rounds on a balance of one viewer, each on another's. */
  readonly rounds: number;
  /** Rounds on the balance of all, each with viewers of its own. */
  readonly sharedRounds: number;
  readonly sharers: number;
  readonly spenders: number;
  readonly worth: number;
  readonly keys: number;
  readonly times: number;
}

const FULL: Size = {
  rounds: 20,
  sharedRounds: 4,
  sharers: 50,
  spenders: 1_000,
  worth: 100,
  keys: 200,
  times: 50,
};
const QUICK: Size = {
  rounds: 2,
  sharedRounds: 1,
  sharers: 10,
  spenders: 300,
  worth: 50,
  keys: 40,
  times: 20,
};

interface Round {
  readonly name: string;
  readonly viewers: readonly [string, ...string[]];
}

const list = (length: number, name: string): readonly string[] =>
  Array.from({ length }, (_, index) => `${name}-${index + 1}`);

const toOwnRound = (name: string): Round => ({ name, viewers: [name] });
const toSharedRound = (name: string, sharers: number): Round => ({
  name,
  viewers: [`${name}-first`, ...list(sharers - 1, name)],
});

/** Resolves with the report. Rejects when one round accepts more or less than the balance is worth, or the books are wrong. */
export async function runQuotaStorms(quick: boolean, tell: (text: string) => void): Promise<string> {
  const size = quick ? QUICK : FULL;
  const own = list(size.rounds, 'round').map(toOwnRound);
  const shared = list(size.sharedRounds, 'cluster').map((name) => toSharedRound(name, size.sharers));
  const lines = [
    ...(await spendRounds('USER', own, { size, tell })),
    ...(await spendRounds('CLUSTER', shared, { size, tell })),
    await repeatKeys(size),
  ];
  return lines.join('\n');
}

interface Run {
  readonly size: Size;
  tell(text: string): void;
}

/** A line for each round. */
async function spendRounds(
  subject: QuotaSubject,
  rounds: readonly Round[],
  { size, tell }: Run,
): Promise<readonly string[]> {
  await using server = await startTestPostgres();
  const viewers = rounds.flatMap((round) => round.viewers);
  await using storm = await startStorm({ databaseUrl: server.url, viewers, subject });
  const lines: string[] = [];
  for (const [index, { name, viewers }] of rounds.entries()) {
    const startedAt = performance.now();
    const { spenders, worth } = size;
    const result = await storm.spend({ viewers, spenders, worth, killAfter: 1 + (index % 7) });
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    lines.push(`${name}: ${JSON.stringify(result)} in ${seconds} s`);
    tell(lines.at(-1) ?? '');
    requireExact(result, size);
  }
  return lines;
}

async function repeatKeys({ keys, times }: Size): Promise<string> {
  await using server = await startTestPostgres();
  await using storm = await startStorm({ databaseUrl: server.url, viewers: ['keys'], subject: 'USER' });
  const repeated = await storm.repeat({ viewer: 'keys', keys, times });
  const isOnce = repeated.turns === keys && repeated.upstreamCalls === keys && repeated.charges === keys;
  if (!isOnce) throw new Error(JSON.stringify(repeated));
  return `${times} × ${keys} keys: ${JSON.stringify(repeated)}`;
}

function requireExact(result: SpendResult, { worth, spenders }: Size): void {
  const { accepted, refused, least, reserved, bookErrors } = result;
  const isExact = accepted === worth && refused === spenders - worth && least === 0 && reserved === 0;
  if (!isExact || bookErrors.length > 0) throw new Error(JSON.stringify(result));
}
