/** What the event log counts. Made once for a node, on its registry. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { EventBatch } from './event-log.ts';

/** Read when the metrics are asked for. */
export interface LogGauges {
  /** Events that are not known to be stored. */
  pendingEvents(): number;
  /** Events kept in memory of turns that run on this node. */
  tailEvents(): number;
  /** Turns of other nodes that are followed here. */
  followedTurns(): number;
  /** Characters kept in memory of turns that run on other nodes. */
  windowSize(): number;
}

export interface LogMetrics {
  /** One write of the events of all turns. */
  flushed(batches: readonly EventBatch[]): void;
  notificationSent(): void;
  notificationReceived(): void;
  /** A follower had to be read for: by itself, or by another that stood at the same place or had been there before. */
  logRead(from: 'store' | 'shared'): void;
  /** Called once, when the log exists. */
  observe(gauges: LogGauges): void;
}

const EVENTS = [1, 10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000];
const TURNS = [1, 5, 10, 50, 100, 500, 1_000, 5_000];

export function createLogMetrics(registry: Registry): LogMetrics {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  const events = histogram('millrace_log_flush_events', 'Events in one write of the event log', EVENTS);
  const turns = histogram('millrace_log_flush_turns', 'Turns in one write of the event log', TURNS);
  const sent = counter('millrace_log_notifications_sent_total', 'Notifications of turns sent to all nodes');
  const received = counter('millrace_log_notifications_received_total', 'Notifications of turns received');
  const reads = counter('millrace_log_reads_total', 'Reads of turns of other nodes', ['from'] as const);

  return {
    flushed(batches) {
      turns.observe(batches.length);
      events.observe(batches.reduce((sum, { firstSeq, lastSeq }) => sum + lastSeq - firstSeq + 1, 0));
    },
    notificationSent: () => sent.inc(),
    notificationReceived: () => received.inc(),
    logRead: (from) => reads.inc({ from }),
    observe({ pendingEvents, tailEvents, followedTurns, windowSize }) {
      gauge('millrace_log_pending_events', 'Events of turns of this node not yet stored', pendingEvents);
      gauge('millrace_log_tail_events', 'Events of turns of this node kept in memory', tailEvents);
      gauge('millrace_log_followed_turns', 'Turns of other nodes followed on this node', followedTurns);
      gauge('millrace_log_window_chars', 'Characters of turns of other nodes kept in memory', windowSize);
    },
  };
}
