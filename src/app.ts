/** The composition root: the only place that constructs. What is made first is disposed last. */
import { canGenerate, openBackends, summarizeStart } from './app/backends.ts';
import { type Access, createAccess } from './auth/access.ts';
import type { Config } from './config/config.ts';
import { toPrintable } from './config/printable.ts';
import { readVersion } from './config/version.ts';
import { registerDeleteAtBackend } from './conversations/delete-at-backend.ts';
import { type ConversationFeed, createConversationFeed } from './conversations/feed.ts';
import { registerTopicSummary } from './conversations/topic-summary.ts';
import { createListener, type Listener } from './db/listener.ts';
import { type OpenedDatabase, openConfiguredDatabase } from './db/open-configured.ts';
import { createPatience, type Patience } from './db/patience.ts';
import type { EventLog } from './event-log/event-log.ts';
import { createLogMetrics } from './event-log/metrics.ts';
import { createPostgresLog, type PostgresLogDeps } from './event-log/postgres.ts';
import type { Faults } from './faults.ts';
import { createFeedbackSwitch } from './feedback/feedback-switch.ts';
import type { Services } from './graphql/context.ts';
import { createSchema } from './graphql/schema.ts';
import { createJobs, type Jobs } from './jobs/jobs.ts';
import { type CountTokens, countByLength, loadTokenizer } from './lib/count-tokens.ts';
import { createLog, type Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createSystemPrompts, type SystemPrompts } from './prompts/system-prompts.ts';
import { createQuotas, type Quotas } from './quota/quotas.ts';
import { createPersistedOperations, type PersistedOperations } from './server/persisted-operations.ts';
import { type RunningServer, startServer } from './server/server.ts';
import { openStartingServer, type StartingServer } from './server/starting.ts';
import { createShields } from './shields/shields.ts';
import { createTools } from './tools/tools.ts';
import { writeTranscript } from './transcripts/transcripts.ts';
import { createEngine } from './turns/create-engine.ts';
import { registerDeleteViewer } from './turns/delete-viewer.ts';
import type { TurnEngine } from './turns/engine.ts';
import { registerExpireTurns } from './turns/expire-turns.ts';
import { createFollowUp } from './turns/follow-up.ts';
import type { App } from './types/app.ts';
import { registerUploadSweep } from './uploads/uploads.ts';
import { recordUsage } from './usage/store.ts';

type OpenEventLog = (deps: PostgresLogDeps) => EventLog;

/** What is shared while the application is put together. */
interface Construction {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly resources: AsyncDisposableStack;
  /** What a test makes fail here. */
  readonly faults: Faults | undefined;
  readonly patience: Patience;
  /** Aborted when nobody waits for the start any more. */
  readonly signal: AbortSignal;
  readonly openEventLog: OpenEventLog;
}

interface Core
  extends Access,
    Pick<Services, 'database' | 'registry' | 'config' | 'shields' | 'tools' | 'jobs' | 'announcer'> {
  readonly metrics: Metrics;
  readonly prompts: SystemPrompts;
  readonly persisted: PersistedOperations;
  readonly quotas: Quotas;
  readonly countTokens: CountTokens;
  readonly jobs: Jobs;
  readonly conversationFeed: ConversationFeed;
  readonly listener: Listener;
}

interface Background {
  readonly listener: Listener;
  readonly jobs: Jobs;
  readonly conversationFeed: ConversationFeed;
  readonly announcer: ConversationFeed;
}

/** What goes on beside the requests. Work begins with `jobs.start`, when all jobs have somebody to do them. */
async function openBackground(
  { log, resources, patience }: Construction,
  { database, directUrl }: OpenedDatabase,
): Promise<Background> {
  const listener = resources.use(createListener({ url: directUrl, log }));
  // Before the jobs, so that it still hears what the last of them change.
  const conversationFeed = resources.use(createConversationFeed({ database, listener, log }));
  const jobs = await patience.attempt(() => createJobs({ databaseUrl: directUrl, listener, log }));
  resources.use(jobs);
  return { listener, jobs, conversationFeed, announcer: conversationFeed };
}

async function startJobs({ config, log }: Construction, core: Core, engine: TurnEngine): Promise<void> {
  const { jobs } = core;
  const generates = (provider: string): boolean => canGenerate(config, provider);
  registerTopicSummary(jobs, { ...core, generates, recordUsage });
  registerDeleteAtBackend(jobs, { ...core, log });
  registerExpireTurns(jobs, { ...core, ...config.turns });
  registerUploadSweep(jobs, core);
  registerDeleteViewer(jobs, { ...core, config, engine });
  jobs.work('refill-quotas', (_payload, signal) => core.quotas.refillAll(signal));
  jobs.work('write-transcript', ({ turnId }) => writeTranscript({ database: core.database, config }, turnId));
  await jobs.start();
}

function startEngine({ config, log, resources, openEventLog }: Construction, core: Core): TurnEngine {
  const { database, listener } = core;
  const { flushMs, durability } = config.turns;
  const metrics = createLogMetrics(core.metrics.registry);
  const eventLog = resources.use(openEventLog({ database, listener, log, metrics, flushMs, durability }));
  const followUp = createFollowUp({ ...core, config });
  const { announce } = core.announcer;
  const engine = resources.use(createEngine({ ...core, config, eventLog, log, followUp, announce }));
  observe(core, engine);
  return engine;
}

/** What is read when the metrics are asked for. */
function observe({ metrics, conversationFeed: feed }: Core, engine: TurnEngine): void {
  const gauge = (name: `millrace_${string}`, help: string, read: () => number): void =>
    metrics.observe({ name, help }, read);
  gauge('millrace_turns_running', 'Turns that run on this node', () => engine.runningCount);
  gauge('millrace_updates_followers', 'Followers of conversation updates', () => feed.count().followers);
  gauge(
    'millrace_updates_waiting',
    'Conversation updates that wait for followers',
    () => feed.count().waiting,
  );
  gauge(
    'millrace_updates_unannounced',
    'Changes of conversations that other nodes are still to be told of',
    () => feed.count().unannounced,
  );
}

function serve(
  { config, log, resources }: Construction,
  core: Core,
  { engine, front, probes }: { readonly engine: TurnEngine } & StartingServer,
): RunningServer {
  const { database, metrics } = core;
  const services: Services = {
    ...core,
    engine,
    feedbackSwitch: createFeedbackSwitch({ database, config }),
    linkHosts: config.customization.linkHosts,
    configuration: toPrintable(config),
    service: { name: 'millrace', version: readVersion() },
  };
  const server = startServer(front, {
    schema: createSchema(),
    config,
    log,
    metrics,
    probes,
    authenticate: core.authenticate,
    credentialChanges: core.credentialChanges,
    persisted: core.persisted,
    uploads: { ...core, limits: config.limits },
    createContext: (operation) => ({ ...operation, services }),
  });
  return resources.use(server);
}

async function openCore(making: Construction, opened: OpenedDatabase): Promise<Core> {
  const { config, log, metrics } = making;
  const { database } = opened;
  const registry = await openBackends(making, database);
  const quotas = createQuotas({ database, config });
  const { listener, jobs, conversationFeed } = await openBackground(making, opened);
  return {
    database,
    registry,
    config,
    ...createAccess(making),
    prompts: await createSystemPrompts(config),
    persisted: await createPersistedOperations(config),
    metrics,
    shields: createShields({ config, registry, log, metrics }),
    tools: createTools({ config, log }),
    quotas,
    // The tokenizer is large: whoever limits nothing does without.
    countTokens: quotas.isLimited ? await loadTokenizer() : countByLength,
    listener,
    jobs,
    conversationFeed,
    announcer: conversationFeed,
  };
}

export interface AppOptions {
  /** Aborted when nobody waits for the start any more: it then rejects with the signal's reason as soon as it can. */
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly faults?: Faults | undefined;
  /** Another than that on Postgres, to measure what it costs. */
  readonly openEventLog?: OpenEventLog;
}

/**
 * Starts everything that the configuration asks for and resolves when the server accepts questions. The port is open and the
 * probes answer from the beginning; a database that cannot be reached yet is waited for.
 * Rejects with an AppError of one line for the operator, and has then taken down what it had started.
 */
export async function createApp(config: Config, options: AppOptions = {}): Promise<App> {
  const { signal = new AbortController().signal, faults, openEventLog = createPostgresLog } = options;
  await using resources = new AsyncDisposableStack();
  const log = createLog(config.logLevel);
  const metrics = createMetrics();
  const starting = await openStartingServer({ config, log, metrics });
  const { condition, front } = starting;
  resources.use(front);
  const { startupTimeoutMs: timeoutMs } = config.database;
  const patience = createPatience({ timeoutMs, signal, log, onWait: condition.waitFor });
  const making = { config, log, metrics, resources, faults, patience, signal, openEventLog };
  const opened = await openConfiguredDatabase(making);
  if (faults) resources.defer(() => faults.reach('drain:end'));
  const core = await openCore(making, opened);
  const engine = startEngine(making, core);
  await startJobs(making, core, engine);
  const server = serve(making, core, { engine, ...starting });
  condition.open(core.database.ping);
  const leave = async (): Promise<void> => {
    condition.leave();
    await faults?.reach('drain:begin');
    const { drainMs } = config.turns;
    const windowMs = Math.min(config.server.drainSpreadMs, drainMs);
    await Promise.all([engine.drain(drainMs), server.drain(windowMs), core.jobs.retire()]);
  };
  const { url } = front;
  const kept = resources.move();
  return {
    url,
    startupSummary: {
      ...summarizeStart(config, core.registry, opened.place),
      url,
      graphiqlUrl: config.mode === 'development' ? `${url}/graphql` : null,
    },
    get runningTurns() {
      return engine.runningCount;
    },
    drain: leave,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
