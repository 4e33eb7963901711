/** A turn engine on real Postgres and a fake backend, without the GraphQL server in front. */
import { createDefaultPolicy, type Policy } from '../../src/auth/policy.ts';
import { createBackend } from '../../src/backend/client.ts';
import { createBackendRegistry } from '../../src/backend/registry.ts';
import type { ConfigInput } from '../../src/config/config.ts';
import { createAnnouncer } from '../../src/conversations/announcer.ts';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { withTransactionFaults } from '../../src/db/faulty-database.ts';
import { createListener, type Listener } from '../../src/db/listener.ts';
import type { EventLog } from '../../src/event-log/event-log.ts';
import { createLogMetrics } from '../../src/event-log/metrics.ts';
import { createPostgresLog } from '../../src/event-log/postgres.ts';
import { createFaults, parseFaults } from '../../src/faults.ts';
import { countByLength, loadTokenizer } from '../../src/lib/count-tokens.ts';
import { newId } from '../../src/lib/ids.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createSystemPrompts } from '../../src/prompts/system-prompts.ts';
import { createQuotas, type Quotas } from '../../src/quota/quotas.ts';
import { createShields } from '../../src/shields/shields.ts';
import { createTools } from '../../src/tools/tools.ts';
import { createEngine } from '../../src/turns/create-engine.ts';
import type { FollowTurnInput, TurnEngine } from '../../src/turns/engine.ts';
import { createFollowUp } from '../../src/turns/follow-up.ts';
import type { TurnEvent } from '../../src/types/turn-event.ts';
import type { Viewer } from '../../src/types/viewer.ts';
import { toTestConfig } from './app.ts';

export interface TestEngine extends AsyncDisposable {
  readonly engine: TurnEngine;
  readonly eventLog: EventLog;
  readonly database: Database;
  readonly quotas: Quotas;
}

export interface TestEngineOptions {
  readonly databaseUrl: string;
  /** Base URL of the fake backend. */
  readonly backend: string;
  readonly config?: ConfigInput;
  readonly poolSize?: number;
  readonly disconnectGraceMs?: number;
  /** Absent: that of a server on loopback. */
  readonly policy?: Policy;
  /** Absent: a real one. */
  readonly listener?: Listener;
  /** Makes transactions fail, as MILLRACE_FAULTS does; absent: none. */
  readonly faults?: string;
}

/** One node. Two of them on one database are two nodes. */
export async function startTestEngine(options: TestEngineOptions): Promise<TestEngine> {
  const { databaseUrl, backend, poolSize = 10, disconnectGraceMs } = options;
  const config = toTestConfig({ backend, ...(options.config && { config: options.config }) }, databaseUrl);
  const log = createLog('silent');
  const faults = createFaults(parseFaults(options.faults, 'development') ?? []);
  const database = withTransactionFaults(
    openDatabase({ url: databaseUrl, poolSize, hasRoles: true }),
    faults,
  );
  const metrics = createMetrics();
  const listener = options.listener ?? createListener({ url: databaseUrl, log });
  const announcer = createAnnouncer({ database, log });
  const eventLog = createPostgresLog({
    database,
    listener,
    log,
    metrics: createLogMetrics(metrics.registry),
    pollMs: 25,
    ...config.turns,
  });
  const registry = createBackendRegistry(config.backends.map((entry) => createBackend(entry)));
  const quotas = createQuotas({ database, config });
  const policy = options.policy ?? createDefaultPolicy({ localOperator: true });
  const engine = createEngine({
    database,
    listener,
    eventLog,
    registry,
    policy,
    prompts: await createSystemPrompts(config),
    shields: createShields({ config, registry, log }),
    tools: createTools({ config, log }),
    announce: announcer.announce,
    followUp: createFollowUp({ jobs: { enqueue: async () => {} }, config, quotas }),
    quotas,
    countTokens: quotas.isLimited ? await loadTokenizer() : countByLength,
    config,
    log,
    metrics,
    shutdownMs: 2_000,
    ...(disconnectGraceMs !== undefined && { disconnectGraceMs }),
  });
  return {
    engine,
    eventLog,
    database,
    quotas,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await announcer[Symbol.asyncDispose]();
      await eventLog[Symbol.asyncDispose]();
      await listener[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** A viewer whom no other test knows. */
export function createViewer(): Viewer {
  const id = newId();
  return { id, name: `Viewer ${id}`, roles: ['*'] };
}

/** Follows to the end of the turn. */
export async function collectEvents(
  engine: TurnEngine,
  viewer: Viewer,
  input: FollowTurnInput,
): Promise<readonly TurnEvent[]> {
  const events: TurnEvent[] = [];
  for await (const batch of await engine.follow(viewer, input, new AbortController().signal))
    events.push(...batch);
  return events;
}

/** Follows until the predicate holds for what has come so far, then leaves. */
export async function collectUntil(
  engine: TurnEngine,
  follow: { readonly viewer: Viewer; readonly input: FollowTurnInput },
  enough: (events: readonly TurnEvent[]) => boolean,
): Promise<readonly TurnEvent[]> {
  const controller = new AbortController();
  const events: TurnEvent[] = [];
  for await (const batch of await engine.follow(follow.viewer, follow.input, controller.signal)) {
    events.push(...batch);
    if (enough(events)) break;
  }
  controller.abort();
  return events;
}

export function joinTokens(events: readonly TurnEvent[]): string {
  return events.map((event) => (event.type === 'token' ? event.token : '')).join('');
}
