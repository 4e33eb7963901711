/** Every fault point of a node, each struck many times: killed, frozen, late, or told that its database is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FAULT_POINTS, FAULTS_VARIABLE, type FaultPoint } from '../../../src/faults.ts';
import type { ChaosNode } from '../node.ts';
import type { Random } from '../random.ts';
import { startRig } from '../rig.ts';
import { judge, type Scenario, type ScenarioContext, toClients, toCount } from '../scenario.ts';

interface Form {
  readonly points: readonly FaultPoint[];
  /** Lives of a node for each point that end at it, and that are frozen there. */
  readonly kills: number;
  readonly pauses: number;
  /** Strikes before that, which the life survives: each at a hit of its own, thrown and delayed in turn. */
  readonly mild: number;
  /** Strikes that each point is to have; 0: what comes of the lives above. */
  readonly least: number;
}

/** Together 21 strikes of each point where all are reached; those of a drain come once a life. */
const FULL: Form = { points: FAULT_POINTS, kills: 5, pauses: 2, mild: 2, least: 20 };
const SMALL: Form = {
  points: ['accept:after', 'flush:after', 'seal:within', 'seal:after', 'upstream:batch'],
  kills: 1,
  pauses: 0,
  mild: 1,
  least: 0,
};
/** Rounds of lives for points that have been struck less often than they are to be. */
const MORE_ROUNDS = 10;
/** Mild strikes of such a life: points that are passed now and then are struck whenever they are. */
const MORE_MILD = 6;
/** Lives of such a round at least: every node dies, and more than once, or nobody leaves anything to be reaped. */
const MORE_LIVES = 12;
const DRAIN_LIVES = 20;
/** Nodes that are made to fail; one more is not, until the rare points are at stake: it would be at them first. */
const ARMED = 3;

const LEASE_MS = 3_000;
const TURNS_PER_SECOND = 4;
/** How long a point is waited for, and how often it is tried again where it was not reached. */
const PATIENCE_MS = 15_000;
const TRIES = 3;
const DELAY_MS = 300;
const ENOUGH_MS = 60 * 60_000;
const CONCURRENCY = 20;
/** Points that a node passes only now and then. */
const RARE = /^(renew|sweep|reap|stop|drain):/;

/** One life of a node: armed with some faults, the last of which it does not survive. */
interface Round {
  readonly point: FaultPoint;
  readonly end: 'kill' | 'pause';
  readonly faults: string;
  readonly triesLeft: number;
}

function toFaults(point: FaultPoint, end: Round['end'], draw: { mild: number; random: Random }): string {
  const { mild, random } = draw;
  let hit = random.between(0, RARE.test(point) ? 1 : 4);
  const strikes = Array.from({ length: mild }, (_, index) => {
    hit += 1;
    return `${point}=${index % 2 === 0 ? 'throw' : `delay:${DELAY_MS}`}@${hit}`;
  });
  return [...strikes, `${point}=${end}@${hit + 1}`].join();
}

function toRounds(point: FaultPoint, form: Form, random: Random): readonly Round[] {
  const isDrain = point.startsWith('drain:');
  const lives = isDrain && form.pauses > 0 ? DRAIN_LIVES : form.kills + form.pauses;
  return Array.from({ length: lives }, (_, index) => {
    const end = index < lives - form.pauses ? 'kill' : 'pause';
    const faults = isDrain ? `${point}=${end}` : toFaults(point, end, { mild: form.mild, random });
    return { point, end, faults, triesLeft: TRIES };
  });
}

function toMoreRounds(point: FaultPoint, lives: number, random: Random): readonly Round[] {
  return Array.from({ length: lives }, () => {
    const faults = point.startsWith('drain:')
      ? `${point}=kill`
      : toFaults(point, 'kill', { mild: MORE_MILD, random });
    return { point, end: 'kill', faults, triesLeft: 1 };
  });
}

function shuffle<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, place: random.next() }))
    .sort((one, other) => one.place - other.place)
    .map(({ value }) => value);
}

/** True when the process came to the end that the round has for it. */
async function live(node: ChaosNode, { point, end, faults }: Round): Promise<boolean> {
  node.signal('SIGKILL');
  await node.exited();
  const starting = node.start({ [FAULTS_VARIABLE]: faults });
  node.expectExit();
  // Its own start may come to the point, and never be over.
  const late = new AbortController();
  starting.then(
    () => {
      if (point.startsWith('drain:')) node.signal('SIGTERM');
      setTimeout(() => late.abort(), PATIENCE_MS).unref();
    },
    () => late.abort(),
  );
  const line = await node.waitForLine(new RegExp(`fault ${point} ${end} `), late.signal);
  if (line !== undefined && end === 'pause') {
    await sleep(LEASE_MS * 2);
    node.signal('SIGCONT');
    await sleep(LEASE_MS / 2);
  }
  return line !== undefined;
}

/** Lives one round after the other; what was not reached is put back. */
async function work(node: ChaosNode, queue: Round[], onRound: (left: number) => void): Promise<void> {
  for (let round = queue.shift(); round !== undefined; round = queue.shift()) {
    const reached = await live(node, round);
    if (!reached && round.triesLeft > 1) queue.push({ ...round, triesLeft: round.triesLeft - 1 });
    onRound(queue.length);
  }
  node.signal('SIGKILL');
  await node.exited();
  await node.start();
}

function countStrikes(nodes: readonly ChaosNode[], point: FaultPoint): number {
  return nodes.flatMap((node) => node.faults).filter((strike) => strike.startsWith(`${point} `)).length;
}

async function run({ random, small, resources, logs, tell }: ScenarioContext) {
  const form = small ? SMALL : FULL;
  const rig = await startRig({ nodes: ARMED + 1, leaseMs: LEASE_MS, drainMs: LEASE_MS, logs }, resources);
  const clients = toClients(
    {
      prefix: 'f',
      count: Math.round((ENOUGH_MS / 1e3) * TURNS_PER_SECOND),
      kinds: ['ws', 'ws', 'sse', 'follow', 'stock-keyed', 'stock', 'cancel'],
      tokens: [3, 15],
      tokensPerSecond: 10,
      spreadMs: ENOUGH_MS,
      // They come back on any node: turns are read where they do not run.
      drops: { lowMs: 500, highMs: 2_000, untilMs: ENOUGH_MS },
    },
    random.fork('clients'),
  );
  const chance = random.fork('rounds');
  const queue = shuffle(
    form.points.flatMap((point) => toRounds(point, form, chance)),
    chance,
  );
  const total = queue.length;
  tell(`${form.points.length} fault points, ${total} lives of ${ARMED} nodes`);
  await rig.startLoad({ clients, concurrency: CONCURRENCY, timeoutMs: ENOUGH_MS });
  const armed = rig.nodes.slice(0, ARMED);
  const onRound = (left: number): void => {
    if (left % 50 === 0) tell(`${left} lives left`);
  };
  await Promise.all(armed.map((node) => work(node, queue, onRound)));
  for (let round = 0; round < MORE_ROUNDS; round += 1) {
    const rare = form.points.filter((point) => countStrikes(rig.nodes, point) < form.least);
    if (rare.length === 0) break;
    tell(`once more: ${rare.map((point) => `${point} (${countStrikes(rig.nodes, point)})`).join(' ')}`);
    const more = rare.flatMap((point) => toMoreRounds(point, Math.ceil(MORE_LIVES / rare.length), chance));
    await Promise.all(rig.nodes.map((node) => work(node, more, () => {})));
  }
  await rig.closeLoad();
  const evidence = await rig.collect(await rig.finishLoad(), 60_000);
  const { figures, violations } = judge(evidence, { mayRefuse: true });
  const reached = form.points.map((point) => countStrikes(rig.nodes, point));
  return {
    violations,
    figures: [
      toCount('fault points', form.points.length),
      toCount('never reached', reached.filter((count) => count === 0).length, 0),
      {
        name: 'strikes of each point, fewest',
        value: String(Math.min(...reached)),
        wanted: `≥ ${form.least}`,
        ok: Math.min(...reached) >= form.least,
      },
      toCount('strikes', rig.nodes.flatMap((node) => node.faults).length),
      ...figures,
    ],
  };
}

export const faultPoints: Scenario = {
  name: 'fault-points',
  says: 'each fault point of a node, killed, frozen, late or without its database there',
  run,
};
