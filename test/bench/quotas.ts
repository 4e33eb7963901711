/** The storms on quotas in full, and what reserving and charging cost a turn. */
import { startTestPostgres } from '../support/postgres.ts';
import { type SpendResult, startStorm } from '../support/quota-storm.ts';

interface Size {
  readonly rounds: number;
  readonly spenders: number;
  readonly worth: number;
  readonly keys: number;
  readonly times: number;
}

const FULL: Size = { rounds: 20, spenders: 1_000, worth: 100, keys: 200, times: 50 };
const QUICK: Size = { rounds: 2, spenders: 300, worth: 50, keys: 40, times: 20 };

/** Resolves with the report. Rejects when one round accepts more or less than the balance is worth, or the books are wrong. */
export async function runQuotaStorms(quick: boolean, tell: (text: string) => void): Promise<string> {
  const size = quick ? QUICK : FULL;
  const viewers = Array.from({ length: size.rounds }, (_, index) => `round-${index + 1}`);
  await using server = await startTestPostgres();
  await using storm = await startStorm({ databaseUrl: server.url, viewers: [...viewers, 'keys'] });
  const lines: string[] = [];
  for (const [index, viewer] of viewers.entries()) {
    const startedAt = performance.now();
    const killAfter = 1 + (index % 7);
    const result = await storm.spend({ viewer, ...size, killAfter });
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    lines.push(`${viewer}: ${JSON.stringify(result)} in ${seconds} s`);
    tell(lines.at(-1) ?? '');
    requireExact(result, size);
  }
  const repeated = await storm.repeat({ viewer: 'keys', ...size });
  const isOnce = repeated.turns === size.keys && repeated.upstreamCalls === size.keys;
  if (!isOnce || repeated.charges !== size.keys) throw new Error(JSON.stringify(repeated));
  return [...lines, `${size.times} × ${size.keys} keys: ${JSON.stringify(repeated)}`].join('\n');
}

function requireExact(result: SpendResult, { worth, spenders }: Size): void {
  const { accepted, refused, least, reserved, bookErrors } = result;
  const isExact = accepted === worth && refused === spenders - worth && least === 0 && reserved === 0;
  if (!isExact || bookErrors.length > 0) throw new Error(JSON.stringify(result));
}
