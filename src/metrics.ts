/** What Millrace counts. Made once in app.ts and passed in; the metric names of the service that it succeeds are kept as aliases. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { createBoundedNames } from './lib/bounded-names.ts';
import type { TurnUsage } from './types/usage.ts';

/** One turn's provider and model. */
export interface TurnLabels {
  readonly provider: string;
  readonly model: string;
}

export interface EndedTurnFacts {
  /** COMPLETED, FAILED or INTERRUPTED. */
  readonly status: string;
  /** Finish reason, error code or interrupt reason. */
  readonly reason: string;
  readonly durationMs: number;
  readonly usage: TurnUsage;
}

export interface TurnMetrics {
  turnStarted(labels: TurnLabels): void;
  turnEnded(labels: TurnLabels, facts: EndedTurnFacts): void;
  /** Ended for another node that is gone. */
  turnReaped(labels: TurnLabels): void;
  /** Milliseconds from acceptance to the first token. */
  firstToken(labels: TurnLabels, ms: number): void;
  eventsAppended(count: number): void;
  upstreamIgnored(labels: TurnLabels, count: number): void;
}

export interface ShieldMetrics {
  /** A shield has blocked a question. */
  shieldViolated(shield: string): void;
}

export interface HttpMetrics {
  /** `route` is one of the server's own paths, never what a client sent. */
  requestAnswered(facts: {
    readonly route: string;
    readonly status: number;
    readonly durationMs: number;
  }): void;
}

export interface ReaderMetrics {
  /** A reader was given up. */
  readerCut(facts: { readonly transport: string; readonly reason: string }): void;
  /** A connection was closed at once because there are too many. */
  connectionDropped(): void;
}

export interface LimitMetrics {
  /** Somebody was refused; `limit` is its key in the configuration. */
  limitReached(limit: string): void;
}

export interface AccessMetrics {
  /** Credentials were looked at; `outcome` is `accepted` or the code of the refusal. */
  credentialsChecked(facts: { readonly outcome: string; readonly durationMs: number }): void;
  /** A client was told of an error; `code` is one of the table's. */
  errorTold(code: string): void;
}

export interface ObservedGauge {
  readonly name: `millrace_${string}`;
  readonly help: string;
}

/** Gauges of what somebody else keeps, read when the metrics are asked for. Each is added once. */
export interface ObserverMetrics {
  observe(gauge: ObservedGauge, read: () => number): void;
  /** One value for each value of the label, of which there are few. */
  observeEach(
    gauge: ObservedGauge & { readonly label: string },
    read: () => Readonly<Record<string, number>>,
  ): void;
}

export interface Metrics
  extends TurnMetrics,
    ShieldMetrics,
    HttpMetrics,
    ReaderMetrics,
    LimitMetrics,
    AccessMetrics,
    ObserverMetrics {
  readonly registry: Registry;
}

/** Backends may offer thousands, and each takes dozens of series: those that come later are counted as one. */
const MAX_MODELS = 100;
const TURN_SECONDS = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];
const FIRST_TOKEN_SECONDS = [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 120];
const HTTP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function createTurnMetrics(registry: Registry): TurnMetrics {
  const registers = [registry];
  const model = ['provider', 'model'] as const;
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, labelNames: [...model], buckets, registers });

  const started = counter('millrace_turns_started_total', 'Turns accepted', model);
  const ended = counter('millrace_turns_ended_total', 'Turns ended', [...model, 'status', 'reason']);
  const reaped = counter('millrace_turns_reaped_total', 'Turns ended for a node that is gone', model);
  const tokens = counter('millrace_tokens_total', 'Tokens as reported by backends, or estimated', [
    ...model,
    'direction',
  ]);
  const events = counter('millrace_events_total', 'Events appended to turns', []);
  const ignored = counter('millrace_upstream_events_ignored_total', 'Upstream events of unknown type', model);
  const duration = histogram('millrace_turn_duration_seconds', 'From acceptance to the end', TURN_SECONDS);
  const first = histogram(
    'millrace_first_token_seconds',
    'From acceptance to the first token',
    FIRST_TOKEN_SECONDS,
  );
  const calls = counter('ls_llm_calls_total', 'Alias of millrace_turns_started_total', model);
  const failures = counter('ls_llm_calls_failures_total', 'Turns that failed', model);
  const sent = counter('ls_llm_token_sent_total', 'Alias of millrace_tokens_total, direction input', model);
  const received = counter(
    'ls_llm_token_received_total',
    'Alias of millrace_tokens_total, direction output',
    model,
  );

  const toModel = createBoundedNames(MAX_MODELS, 'other');
  const bound = ({ provider, model: name }: TurnLabels) => ({ provider, model: toModel(name) });
  return {
    turnStarted(labels) {
      started.inc(bound(labels));
      calls.inc(bound(labels));
    },
    turnEnded(labels, { status, reason, durationMs, usage }) {
      ended.inc({ ...bound(labels), status, reason });
      duration.observe(bound(labels), durationMs / 1000);
      tokens.inc({ ...bound(labels), direction: 'input' }, usage.inputTokens);
      tokens.inc({ ...bound(labels), direction: 'output' }, usage.outputTokens);
      sent.inc(bound(labels), usage.inputTokens);
      received.inc(bound(labels), usage.outputTokens);
      if (status === 'FAILED') failures.inc(bound(labels));
    },
    turnReaped: (labels) => reaped.inc(bound(labels)),
    firstToken: (labels, ms) => first.observe(bound(labels), ms / 1000),
    eventsAppended: (count) => events.inc(count),
    upstreamIgnored: (labels, count) => ignored.inc(bound(labels), count),
  };
}

function createShieldMetrics(registry: Registry): ShieldMetrics {
  const registers = [registry];
  const violations = new Counter({
    name: 'millrace_shield_violations_total',
    help: 'Questions blocked by a shield',
    labelNames: ['shield'],
    registers,
  });
  const errors = new Counter({
    name: 'ls_llm_validation_errors_total',
    help: 'Alias of millrace_shield_violations_total',
    registers,
  });
  return {
    shieldViolated(shield) {
      violations.inc({ shield });
      errors.inc();
    },
  };
}

function createHttpMetrics(registry: Registry): HttpMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'millrace_http_requests_total',
    help: 'HTTP requests answered',
    labelNames: ['route', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'millrace_http_request_duration_seconds',
    help: 'From the request to the end of its answer; streams included',
    labelNames: ['route'],
    buckets: HTTP_SECONDS,
    registers,
  });
  const calls = new Counter({
    name: 'ls_rest_api_calls_total',
    help: 'Alias of millrace_http_requests_total',
    labelNames: ['path', 'status_code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'ls_response_duration_seconds',
    help: 'Alias of millrace_http_request_duration_seconds',
    labelNames: ['path'],
    buckets: HTTP_SECONDS,
    registers,
  });
  return {
    requestAnswered({ route, status, durationMs }) {
      requests.inc({ route, status });
      duration.observe({ route }, durationMs / 1000);
      calls.inc({ path: route, status_code: status });
      seconds.observe({ path: route }, durationMs / 1000);
    },
  };
}

function createReaderMetrics(registry: Registry): ReaderMetrics {
  const cuts = new Counter({
    name: 'millrace_readers_cut_total',
    help: 'Readers that were given up: stalled ones took nothing, silent ones answered no ping',
    labelNames: ['transport', 'reason'],
    registers: [registry],
  });
  const dropped = new Counter({
    name: 'millrace_connections_dropped_total',
    help: 'Connections closed at once because there were too many',
    registers: [registry],
  });
  return { readerCut: (facts) => cuts.inc({ ...facts }), connectionDropped: () => dropped.inc() };
}

function createLimitMetrics(registry: Registry): LimitMetrics {
  const reached = new Counter({
    name: 'millrace_limits_reached_total',
    help: 'Operations, streams and WebSockets that were refused because there were too many',
    labelNames: ['limit'],
    registers: [registry],
  });
  return { limitReached: (limit) => reached.inc({ limit }) };
}

function createAccessMetrics(registry: Registry): AccessMetrics {
  const registers = [registry];
  const checks = new Histogram({
    name: 'millrace_auth_duration_seconds',
    help: 'From the credentials to the viewer or the refusal',
    labelNames: ['outcome'],
    buckets: HTTP_SECONDS,
    registers,
  });
  const told = new Counter({
    name: 'millrace_errors_total',
    help: 'Errors that clients were told of',
    labelNames: ['code'],
    registers,
  });
  return {
    credentialsChecked: ({ outcome, durationMs }) => checks.observe({ outcome }, durationMs / 1000),
    errorTold: (code) => told.inc({ code }),
  };
}

function createObserverMetrics(registry: Registry): ObserverMetrics {
  const registers = [registry];
  return {
    observe(gauge, read) {
      new Gauge({
        ...gauge,
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    observeEach({ label, ...gauge }, read) {
      new Gauge({
        ...gauge,
        labelNames: [label],
        registers,
        collect() {
          for (const [value, count] of Object.entries(read())) this.set({ [label]: value }, count);
        },
      });
    },
  };
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    ...createTurnMetrics(registry),
    ...createShieldMetrics(registry),
    ...createHttpMetrics(registry),
    ...createReaderMetrics(registry),
    ...createLimitMetrics(registry),
    ...createAccessMetrics(registry),
    ...createObserverMetrics(registry),
  };
}
