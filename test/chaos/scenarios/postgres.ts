/** Postgres restarts, freezes, drops its connections, has none left; the network to it breaks. Nodes stay, and nothing is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientOutcome } from '../check/types.ts';
import { runRawClient } from '../clients/raw-client.ts';
import { createRecord } from '../clients/record.ts';
import { breakPostgres, DISTURBANCES, type Disturbance } from '../disturbances.ts';
import type { ChaosNode } from '../node.ts';
import { type Rig, startRig } from '../rig.ts';
import { judge, type Scenario, type ScenarioContext, toClients, toCount, toLimit } from '../scenario.ts';

interface Form {
  readonly rounds: number;
  readonly disturbances: readonly Disturbance[];
  readonly turnsPerSecond: number;
  /** How long Postgres is away, where that can be chosen. */
  readonly awayMs: number;
}

const FULL: Form = { rounds: 2, disturbances: DISTURBANCES, turnsPerSecond: 5, awayMs: 10_000 };
const SMALL: Form = {
  rounds: 1,
  disturbances: ['crash', 'kill connections'],
  turnsPerSecond: 3,
  awayMs: 2_000,
};
const CALM_MS = 6_000;
const PROBE_MS = 60_000;
const RECOVERY_S = 5;
/** Nobody is told of this one: it shows when the time for an answer is over. */
const UNTOLD_S = 20;
const ENOUGH_MS = 30 * 60_000;
const CONCURRENCY = 50;

interface Probe {
  readonly outcome: ClientOutcome;
  readonly seconds: number;
}

/** Asks one node for one token, until it has answered. */
async function probe(node: ChaosNode, key: string, seed: number): Promise<Probe> {
  const plan = { key, tokens: 1, tokensPerSecond: 10 };
  const task = { plan, kind: 'ws', seed, startAfterMs: 0, drops: null } as const;
  const record = createRecord(task);
  const startedAt = performance.now();
  const signal = AbortSignal.timeout(PROBE_MS);
  await runRawClient(task, { urls: [node.url], record, signal, isDropping: () => false });
  return { outcome: record.toOutcome(), seconds: (performance.now() - startedAt) / 1e3 };
}

interface Recovery {
  readonly disturbance: Disturbance;
  /** From the return of Postgres until every node has answered a new question. */
  readonly seconds: number;
}

/** Breaks and measures, one after the other. */
async function disturb(rig: Rig, form: Form, { random, tell }: Pick<ScenarioContext, 'random' | 'tell'>) {
  const recoveries: Recovery[] = [];
  const probes: ClientOutcome[] = [];
  for (let round = 0; round < form.rounds; round++) {
    for (const disturbance of form.disturbances) {
      await sleep(random.between(CALM_MS / 2, CALM_MS));
      await breakPostgres(disturbance, rig, form.awayMs);
      const answers = await Promise.all(
        rig.nodes.map((node) =>
          probe(node, `probe-${round}-${disturbance}-${node.name}`, random.between(1, 2 ** 31)),
        ),
      );
      const seconds = Math.max(...answers.map((answer) => answer.seconds));
      probes.push(...answers.map(({ outcome }) => outcome));
      recoveries.push({ disturbance, seconds });
      tell(`${disturbance}: back after ${seconds.toFixed(1)} s`);
    }
  }
  return { recoveries, probes };
}

async function run({ random, small, resources, logs, tell }: ScenarioContext) {
  const form = small ? SMALL : FULL;
  const rig = await startRig({ nodes: 2, proxied: true, logs }, resources);
  const clients = toClients(
    {
      prefix: 's',
      count: Math.round((ENOUGH_MS / 1e3) * form.turnsPerSecond),
      kinds: ['ws', 'ws', 'sse', 'follow', 'stock-keyed', 'stock'],
      tokens: [20, 80],
      tokensPerSecond: 10,
      spreadMs: ENOUGH_MS,
    },
    random.fork('clients'),
  );
  tell(`${form.rounds} times each of ${form.disturbances.length} ways to lose Postgres`);
  await rig.startLoad({ clients, concurrency: CONCURRENCY, timeoutMs: ENOUGH_MS });
  const { recoveries, probes } = await disturb(rig, form, { random: random.fork('pauses'), tell });
  await rig.closeLoad();
  const evidence = await rig.collect([...(await rig.finishLoad()), ...probes], 60_000);
  const { figures, violations } = judge(evidence, { mayRefuse: true });
  const longestOf = (disturbance: Disturbance): number =>
    Math.max(...recoveries.filter((one) => one.disturbance === disturbance).map((one) => one.seconds));
  return {
    violations,
    figures: [
      ...figures,
      ...form.disturbances.map((disturbance) =>
        toLimit(`back after: ${disturbance}`, longestOf(disturbance), {
          most: disturbance === 'half open' ? UNTOLD_S : RECOVERY_S,
          unit: 's',
        }),
      ),
      toCount('ends of node processes', rig.nodes.flatMap((node) => node.exits).length, 0),
    ],
  };
}

export const postgres: Scenario = {
  name: 'postgres',
  says: 'Postgres crashes, freezes, drops or refuses connections; the network to it breaks',
  run,
};
