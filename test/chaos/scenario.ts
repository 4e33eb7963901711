/** What a scenario is: what it gets, what it says, and the parts that several share. */
import type { Evidence } from './check/checker.ts';
import { check } from './check/checker.ts';
import type { ClientOutcome, Violation } from './check/types.ts';
import type { ClientKind, ClientTask } from './clients/client-task.ts';
import type { Random } from './random.ts';

export interface ScenarioContext {
  readonly random: Random;
  /** About a minute for continuous integration, instead of the form whose figures are published. */
  readonly small: boolean;
  /** Ends everything that the scenario starts. */
  readonly resources: AsyncDisposableStack;
  /** Says how far it is. */
  readonly tell: (text: string) => void;
  readonly logs: string | undefined;
}

/** One line of the report. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  /** What it must be; absent: it is only told. */
  readonly wanted?: string;
  readonly ok: boolean;
}

export interface ScenarioResult {
  readonly figures: readonly Figure[];
  readonly violations: readonly Violation[];
}

export interface Scenario {
  readonly name: string;
  /** One line. */
  readonly says: string;
  run(context: ScenarioContext): Promise<ScenarioResult>;
}

export interface LoadShape {
  /** Goes before the number in each question's key. */
  readonly prefix: string;
  readonly count: number;
  /** One that stands twice is twice as frequent. */
  readonly kinds: readonly ClientKind[];
  /** Lowest and highest. */
  readonly tokens: readonly [number, number];
  readonly tokensPerSecond: number;
  /** The starts are spread over this time. */
  readonly spreadMs: number;
  readonly drops?: ClientTask['drops'];
}

export function toClients(shape: LoadShape, random: Random): readonly ClientTask[] {
  return Array.from({ length: shape.count }, (_, index) => ({
    plan: {
      key: `${shape.prefix}${index}`,
      tokens: random.between(...shape.tokens),
      tokensPerSecond: shape.tokensPerSecond,
    },
    kind: random.pick(shape.kinds),
    seed: random.between(1, 2 ** 31),
    startAfterMs: Math.round((index / shape.count) * shape.spreadMs),
    drops: shape.drops ?? null,
  }));
}

export function toCount(name: string, count: number, wanted?: number): Figure {
  const value = String(count);
  return wanted === undefined
    ? { name, value, ok: true }
    : { name, value, wanted: String(wanted), ok: count === wanted };
}

export function toLimit(name: string, measured: number, limit: { most: number; unit: string }): Figure {
  const { most, unit } = limit;
  const shown = Number.isNaN(measured) ? 'none' : `${measured.toFixed(1)} ${unit}`;
  return { name, value: shown, wanted: `≤ ${most} ${unit}`, ok: Number.isNaN(measured) || measured <= most };
}

/** `12 EndEvent, 3 InterruptedEvent SERVER_LOST`, the most frequent first. */
export function describeEndings(clients: readonly ClientOutcome[]): string {
  const groups = Map.groupBy(clients, ({ last, abandoned }) =>
    last
      ? [last.type, last.reason].filter(Boolean).join(' ')
      : (abandoned?.split(':', 1).join() ?? 'not ended'),
  );
  return [...groups]
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([name, members]) => `${members.length} ${name}`)
    .join(', ');
}

/**
 * The lines that every scenario has, and what broke a rule. Where Postgres goes away, or the machine is
 * busy with other tests, questions may be refused.
 */
export function judge(evidence: Evidence, { mayRefuse = false } = {}): ScenarioResult {
  const violations = check(evidence, { mayRefuse });
  const { clients, turns, journal } = evidence;
  const count = (...rules: readonly Violation['rule'][]): number =>
    new Set(violations.filter(({ rule }) => rules.includes(rule)).map(({ key }) => key)).size;
  const refused = clients.filter(({ abandoned }) => abandoned !== null).length;
  const connects = clients.reduce((sum, client) => sum + client.connects, 0);
  return {
    violations,
    figures: [
      toCount('questions', clients.length),
      toCount('turns', turns.length),
      toCount('calls of the backend', journal.length),
      toCount('connections of clients', connects),
      { name: 'endings', value: describeEndings(clients), ok: true },
      toCount('refused', refused, mayRefuse ? undefined : 0),
      toCount('lost (never ended)', count('ENDED'), 0),
      toCount('duplicated (turns or calls)', count('P3'), 0),
      toCount('gaps', count('P1'), 0),
      toCount('without exactly one last event', count('P4'), 0),
      toCount('with another text', count('TEXT'), 0),
      toCount('not charged exactly once', count('P7'), 0),
      toCount('with two writers', count('FENCE'), 0),
    ],
  };
}
