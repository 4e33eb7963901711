/** A node that is frozen for longer than its lease, beside nodes whose clocks are wrong: it must write nothing when it thaws. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toPercentile } from '../../bench/percentile.ts';
import { startRig } from '../rig.ts';
import { judge, type Scenario, type ScenarioContext, toClients, toCount, toLimit } from '../scenario.ts';
import { listTakeovers } from './kill.ts';

interface Form {
  readonly rounds: number;
  readonly leaseMs: number | undefined;
  readonly frozenMs: number;
  readonly thawedMs: number;
  readonly takeoverMs: number;
}

const FULL: Form = { rounds: 3, leaseMs: undefined, frozenMs: 30_000, thawedMs: 8_000, takeoverMs: 20_000 };
const SMALL: Form = { rounds: 1, leaseMs: 3_000, frozenMs: 9_000, thawedMs: 3_000, takeoverMs: 15_000 };
const TURNS_PER_SECOND = 4;
const CONCURRENCY = 60;
/** By node; the one that freezes is right. */
const CLOCKS_MS = [0, 10 * 60_000, -10 * 60_000];

async function run({ random, small, resources, logs, tell }: ScenarioContext) {
  const form = small ? SMALL : FULL;
  const { leaseMs } = form;
  const env = (index: number) => ({ CHAOS_CLOCK_MS: String(CLOCKS_MS[index] ?? 0) });
  const rig = await startRig(
    { nodes: CLOCKS_MS.length, env, logs, ...(leaseMs !== undefined && { leaseMs }) },
    resources,
  );
  const [frozen] = rig.nodes;
  if (frozen === undefined) throw new Error('there is no node to freeze');
  const spreadMs = form.rounds * (form.frozenMs + form.thawedMs);
  const clients = toClients(
    {
      prefix: 'p',
      count: Math.round((spreadMs / 1e3) * TURNS_PER_SECOND),
      kinds: ['ws', 'sse', 'follow', 'stock-keyed', 'stock'],
      tokens: [20, 60],
      tokensPerSecond: 10,
      spreadMs,
    },
    random.fork('clients'),
  );
  tell(`${form.rounds} times ${form.frozenMs / 1e3} s frozen, clocks 10 minutes ahead and behind`);
  await rig.startLoad({ clients, concurrency: CONCURRENCY, timeoutMs: spreadMs * 2 + 120_000 });
  const freezes: { node: string; at: number }[] = [];
  for (let round = 0; round < form.rounds; round++) {
    await sleep(random.between(form.thawedMs / 2, form.thawedMs));
    freezes.push({ node: frozen.name, at: Date.now() });
    frozen.signal('SIGSTOP');
    await sleep(form.frozenMs);
    frozen.signal('SIGCONT');
  }
  const evidence = await rig.collect(await rig.finishLoad(), 2 * form.takeoverMs);
  const { figures, violations } = judge(evidence, { mayRefuse: small });
  const takeovers = listTakeovers(evidence, freezes);
  return {
    violations,
    figures: [
      toCount('freezes', freezes.length, form.rounds),
      ...figures,
      toCount('taken over while frozen', takeovers.length),
      toLimit('takeover p99', toPercentile(takeovers, 99), { most: form.takeoverMs / 1e3, unit: 's' }),
      toCount('ends of node processes', rig.nodes.flatMap((node) => node.exits).length, 0),
    ],
  };
}

export const pause: Scenario = {
  name: 'pause',
  says: 'a node is frozen for longer than its lease; clocks of the others are 10 minutes wrong',
  run,
};
