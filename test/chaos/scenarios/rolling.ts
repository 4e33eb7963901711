/** Rolling restarts: each node in turn is told to stop and started again, while streams run that are shorter than the grace time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientOutcome } from '../check/types.ts';
import type { ChaosNode } from '../node.ts';
import { startRig } from '../rig.ts';
import { judge, type Scenario, type ScenarioContext, toClients, toCount, toLimit } from '../scenario.ts';

interface Form {
  readonly restarts: number;
  /** Open at a time. */
  readonly streams: number;
  readonly tokens: readonly [number, number];
}

const TOKENS_PER_SECOND = 3;
const FULL: Form = { restarts: 10, streams: 300, tokens: [30, 42] };
const SMALL: Form = { restarts: 1, streams: 20, tokens: [9, 15] };
/** Longer than any stream: enough for all to begin, and for the load to be whole again between two nodes. */
const BETWEEN_MS = 1_500;
const DRAINING = 1012;
/** The load is longer than any series of restarts; what has not begun when they are over never does. */
const ENOUGH_MS = 40 * 60_000;

interface Restart {
  readonly from: number;
  readonly to: number;
  readonly code: number | null | undefined;
}

async function restart(node: ChaosNode): Promise<Restart> {
  const from = Date.now();
  node.signal('SIGTERM');
  await node.exited();
  const to = Date.now();
  await node.start();
  return { from, to, code: node.exits.at(-1)?.code };
}

/** The largest part of a restart's closes that fell into one tenth of the time in which they came. */
export function toPeak(closes: readonly number[]): number {
  const [first = 0] = closes;
  const width = Math.max(1, ((closes.at(-1) ?? 0) - first) / 10);
  const counts = Map.groupBy(closes, (at) => Math.floor((at - first) / width));
  return Math.max(...[...counts.values()].map((group) => group.length)) / closes.length;
}

/** When clients were told to go elsewhere while the node stopped, sorted. */
function listCloses(clients: readonly ClientOutcome[], { from, to }: Restart): readonly number[] {
  return clients
    .flatMap(({ closes }) => closes.filter(({ code, at }) => code === DRAINING && at >= from && at <= to))
    .map(({ at }) => at)
    .sort((a, b) => a - b);
}

/** A tenth of the window holds a tenth of the closes; twice that and a bit is chance. */
const PEAK_PERCENT = 30;
const FEW_CLOSES = 50;

async function run({ random, small, resources, logs, tell }: ScenarioContext) {
  const { restarts, streams, tokens } = small ? SMALL : FULL;
  const rig = await startRig({ nodes: 2, logs }, resources);
  const streamMs = ((tokens[0] + tokens[1]) / 2 / TOKENS_PER_SECOND) * 1e3;
  const clients = toClients(
    {
      prefix: 'd',
      count: Math.round((streams * ENOUGH_MS) / streamMs),
      kinds: ['ws', 'ws', 'stock-keyed', 'stock', 'sse'],
      tokens,
      tokensPerSecond: TOKENS_PER_SECOND,
      spreadMs: ENOUGH_MS,
    },
    random,
  );
  tell(`${restarts} rolling restarts of 2 nodes under ${streams} streams of ${Math.round(streamMs / 1e3)} s`);
  await rig.startLoad({ clients, concurrency: streams, timeoutMs: ENOUGH_MS });
  await sleep(streamMs);
  const done: Restart[] = [];
  for (let round = 0; round < restarts; round++) {
    for (const node of rig.nodes) {
      done.push(await restart(node));
      await sleep(BETWEEN_MS);
    }
    tell(`restart ${round + 1} of ${restarts}`);
  }
  await rig.closeLoad();
  const evidence = await rig.collect(await rig.finishLoad(), streamMs * 2);
  const { figures, violations } = judge(evidence, { mayRefuse: small });
  const failed = evidence.clients.filter(({ last }) => last?.type !== 'EndEvent').length;
  const peaks = done
    .map((one) => listCloses(evidence.clients, one))
    .filter((closes) => closes.length >= FEW_CLOSES)
    .map((closes) => toPeak(closes) * 100);
  const longest = Math.max(...done.map(({ from, to }) => to - from)) / 1e3;
  return {
    violations,
    figures: [
      toCount('restarts of nodes', done.length, restarts * rig.nodes.length),
      toCount('of them with exit code 0', done.filter(({ code }) => code === 0).length, done.length),
      ...figures,
      toCount('turns that did not end well', failed, 0),
      toLimit('most closes in a tenth of their time', peaks.length > 0 ? Math.max(...peaks) : Number.NaN, {
        most: PEAK_PERCENT,
        unit: '%',
      }),
      { name: 'longest drain', value: `${longest.toFixed(1)} s`, ok: true },
    ],
  };
}

export const rolling: Scenario = {
  name: 'rolling',
  says: 'rolling restarts by SIGTERM under streams that are shorter than the grace time',
  run,
};
