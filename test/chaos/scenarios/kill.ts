/** kill -9 of two nodes at random while turns run; a third stays, to take over what they leave behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toPercentile } from '../../bench/percentile.ts';
import type { Evidence } from '../check/checker.ts';
import type { ChaosNode } from '../node.ts';
import type { Random } from '../random.ts';
import { startRig } from '../rig.ts';
import { judge, type Scenario, type ScenarioContext, toClients, toCount, toLimit } from '../scenario.ts';

interface Form {
  /** At least; where nodes start slowly, the kills take longer, and turns go on meanwhile. */
  readonly turns: number;
  readonly kills: number;
  /** Between two kills. */
  readonly pauseMs: readonly [number, number];
  readonly tokens: readonly [number, number];
  readonly leaseMs: number | undefined;
  /** Lease, sweep, and some time for a busy machine. */
  readonly takeoverMs: number;
}

const FULL: Form = {
  turns: 2_000,
  kills: 100,
  pauseMs: [3_000, 5_000],
  tokens: [10, 60],
  leaseMs: undefined,
  takeoverMs: 20_000,
};
const SMALL: Form = {
  turns: 60,
  kills: 5,
  pauseMs: [3_000, 5_000],
  tokens: [5, 30],
  leaseMs: 3_000,
  takeoverMs: 15_000,
};

/** The load is longer than any series of kills; what has not begun when they are over never does. */
const ENOUGH_MS = 60 * 60_000;
const LOOK_MS = 500;
/** Those who wait for a take-over, too. */
const CONCURRENCY = 60;

interface Kill {
  readonly node: string;
  readonly at: number;
}

/** Kills what is up, and starts it again at once. Resolves when all are up again. */
async function killAgainAndAgain(
  victims: readonly ChaosNode[],
  form: Form,
  random: Random,
): Promise<readonly Kill[]> {
  const kills: Kill[] = [];
  const starting = new Map<string, Promise<void>>();
  for (let count = 0; count < form.kills; count++) {
    await sleep(random.between(...form.pauseMs));
    const victim = random.pick(victims);
    await starting.get(victim.name);
    kills.push({ node: victim.name, at: Date.now() });
    victim.signal('SIGKILL');
    const started = victim.exited().then(() => victim.start());
    // It is awaited later, or never, when the harness is interrupted.
    started.catch(() => undefined);
    starting.set(victim.name, started);
  }
  await Promise.all(starting.values());
  return kills;
}

/** From the kill of the node that asked the backend to the end of the turn, in seconds, sorted. */
export function listTakeovers({ turns, journal }: Evidence, kills: readonly Kill[]): readonly number[] {
  const calls = new Map(journal.map((call) => [call.key, call]));
  return turns
    .flatMap(({ key, interruptReason, completedAt }) => {
      const call = calls.get(key);
      if (interruptReason !== 'SERVER_LOST' || call === undefined || completedAt === null) return [];
      const kill = kills.find(({ node, at }) => node === call.node && at >= call.at);
      return kill ? [(completedAt - kill.at) / 1e3] : [];
    })
    .sort((a, b) => a - b);
}

async function run(context: ScenarioContext) {
  const { random, small, resources, tell, logs } = context;
  const form = small ? SMALL : FULL;
  const { leaseMs } = form;
  const rig = await startRig({ nodes: 3, logs, ...(leaseMs !== undefined && { leaseMs }) }, resources);
  const shortestMs = (form.kills * (form.pauseMs[0] + form.pauseMs[1])) / 2;
  const clients = toClients(
    {
      prefix: 'k',
      count: Math.ceil((form.turns * ENOUGH_MS) / shortestMs),
      kinds: ['ws', 'ws', 'sse', 'follow', 'stock-keyed', 'stock'],
      tokens: form.tokens,
      tokensPerSecond: 10,
      spreadMs: ENOUGH_MS,
    },
    random.fork('clients'),
  );
  tell(`${form.turns} turns and ${form.kills} kills in at least ${Math.round(shortestMs / 1e3)} s`);
  await rig.startLoad({ clients, concurrency: CONCURRENCY, timeoutMs: ENOUGH_MS });
  const kills = await killAgainAndAgain(rig.nodes.slice(0, 2), form, random.fork('kills'));
  while ((await rig.readProgress()).started < form.turns) await sleep(LOOK_MS);
  await rig.closeLoad();
  const evidence = await rig.collect(await rig.finishLoad(), 2 * form.takeoverMs);
  const { figures, violations } = judge(evidence, { mayRefuse: small });
  const takeovers = listTakeovers(evidence, kills);
  const longest = takeovers.at(-1) ?? Number.NaN;
  return {
    violations,
    figures: [
      toCount('kills', kills.length, form.kills),
      ...figures,
      toCount('taken over', takeovers.length),
      toLimit('takeover p50', toPercentile(takeovers, 50), { most: form.takeoverMs / 1e3, unit: 's' }),
      toLimit('takeover p99', toPercentile(takeovers, 99), { most: form.takeoverMs / 1e3, unit: 's' }),
      { name: 'takeover, longest', value: `${longest.toFixed(1)} s`, ok: true },
    ],
  };
}

export const kill: Scenario = {
  name: 'kill',
  says: 'kill -9 of two nodes at random; a third takes over',
  run,
};
