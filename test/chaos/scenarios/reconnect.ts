/** Many stock clients that drop and come back again and again, and have no key but the id of their operation. */
import { startRig } from '../rig.ts';
import { judge, type Scenario, type ScenarioContext, toClients, toCount } from '../scenario.ts';

interface Form {
  readonly clients: number;
  readonly seconds: number;
}

const FULL: Form = { clients: 1_000, seconds: 60 };
const SMALL: Form = { clients: 60, seconds: 10 };
/** Part of the time over which the clients begin: it is about coming back, not about many at once. */
const RAMP_PART = 0.5;
const PATIENCE_MS = 120_000;

async function run({ random, small, resources, logs, tell }: ScenarioContext) {
  const { clients: count, seconds } = small ? SMALL : FULL;
  const rig = await startRig({ nodes: 2, isLimited: false, logs }, resources);
  const clients = toClients(
    {
      prefix: 'r',
      count,
      kinds: ['stock'],
      tokens: [seconds, seconds],
      tokensPerSecond: 1,
      spreadMs: seconds * 1e3 * RAMP_PART,
      drops: { lowMs: 50, highMs: 500, untilMs: seconds * 1e3 },
    },
    random,
  );
  tell(`${count} clients drop and come back for ${seconds} s`);
  await rig.startLoad({ clients, concurrency: count, timeoutMs: seconds * 1e3 + PATIENCE_MS });
  const evidence = await rig.collect(await rig.finishLoad(), PATIENCE_MS);
  const { figures, violations } = judge(evidence, { mayRefuse: small });
  const whole = evidence.clients.filter(({ last }) => last?.type === 'EndEvent').length;
  return {
    violations,
    figures: [
      ...figures,
      toCount('calls are as many as turns', evidence.journal.length, count),
      toCount('clients with the full text', whole, count),
    ],
  };
}

export const reconnect: Scenario = {
  name: 'reconnect',
  says: 'stock clients without a clientTurnId drop and come back every 50 to 500 ms',
  run,
};
