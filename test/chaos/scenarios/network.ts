/** The network between clients and nodes: late, cut, silent, half open. Clients come back with what they have, and miss nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosNode } from '../node.ts';
import type { Random } from '../random.ts';
import { startRig } from '../rig.ts';
import { judge, type Scenario, type ScenarioContext, toClients, toCount } from '../scenario.ts';

const BREAKS = ['cut', 'late', 'silent', 'half open'] as const;
type Break = (typeof BREAKS)[number];

interface Form {
  readonly breaks: number;
  readonly turnsPerSecond: number;
}

const FULL: Form = { breaks: 40, turnsPerSecond: 5 };
const SMALL: Form = { breaks: 6, turnsPerSecond: 3 };
const BETWEEN_MS = 3_000;
const CONCURRENCY = 50;
/** How long the network is late or silent. */
const BROKEN_MS = 2_000;
const LATENCY_MS = 250;

async function breakNetwork(how: Break, { proxies }: ChaosNode): Promise<void> {
  if (proxies === undefined) throw new Error('there is no proxy to break');
  const { front } = proxies;
  if (how === 'cut') return front.cut();
  if (how === 'half open') return front.halfOpen();
  if (how === 'late') front.setLatency(LATENCY_MS);
  else front.stall();
  await sleep(BROKEN_MS);
  front.setLatency(0);
  front.resume();
}

async function breakAgainAndAgain(nodes: readonly ChaosNode[], count: number, random: Random): Promise<void> {
  for (let index = 0; index < count; index++) {
    await sleep(random.between(BETWEEN_MS / 2, BETWEEN_MS));
    await breakNetwork(random.pick(BREAKS), random.pick(nodes));
  }
}

async function run({ random, small, resources, logs, tell }: ScenarioContext) {
  const { breaks, turnsPerSecond } = small ? SMALL : FULL;
  const rig = await startRig({ nodes: 2, proxied: true, logs }, resources);
  const spreadMs = breaks * BETWEEN_MS;
  const clients = toClients(
    {
      prefix: 'n',
      count: Math.round((spreadMs / 1e3) * turnsPerSecond),
      kinds: ['ws', 'sse', 'follow', 'stock-keyed', 'stock'],
      tokens: [20, 80],
      tokensPerSecond: 10,
      spreadMs,
    },
    random.fork('clients'),
  );
  tell(`the network breaks ${breaks} times`);
  await rig.startLoad({ clients, concurrency: CONCURRENCY, timeoutMs: spreadMs * 2 + 120_000 });
  await breakAgainAndAgain(rig.nodes, breaks, random.fork('breaks'));
  const evidence = await rig.collect(await rig.finishLoad(), 60_000);
  const { figures, violations } = judge(evidence, { mayRefuse: small });
  const failed = evidence.clients.filter(({ last }) => last?.type !== 'EndEvent').length;
  return { violations, figures: [...figures, toCount('turns that did not end well', failed, 0)] };
}

export const network: Scenario = {
  name: 'network',
  says: 'the network between clients and nodes is late, cut, silent, half open',
  run,
};
