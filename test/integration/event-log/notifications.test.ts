/** What nodes do for each other's followers over real Postgres: waking them, and reading once for all of them. */
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { createListener } from '../../../src/db/listener.ts';
import { createLogMetrics } from '../../../src/event-log/metrics.ts';
import { CHANNEL } from '../../../src/event-log/notifications.ts';
import { createLog } from '../../../src/log.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { countMessages, createNodeLog } from '../../support/event-log.ts';
import { follow, insertRunningTurn, seal, takeOver } from '../../support/logged-turns.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());

const NEVER_MS = 600_000;

/** Two nodes whose polls are too slow to help. */
async function startTwoNodes() {
  const listener = createListener({ url: db.url, log: createLog('silent') });
  const [here, there] = [countMessages(listener), countMessages(listener)];
  const options = { database: db.database, pollMs: NEVER_MS, slowPollMs: NEVER_MS, flushMs: NEVER_MS };
  const owner = createNodeLog({ ...options, listener: here });
  const registry = new Registry();
  const metrics = createLogMetrics(registry);
  const other = createNodeLog({ ...options, listener: there, metrics });
  await expect.poll(() => listener.isConnected).toBe(true);
  return {
    owner,
    other,
    received: there,
    /** How the followers on the other node were read for. */
    async countReads() {
      const { values = [] } = (await registry.getSingleMetric('millrace_log_reads_total')?.get()) ?? {};
      const count = (from: string) => values.find(({ labels }) => labels.from === from)?.value ?? 0;
      return { store: count('store'), shared: count('shared') };
    },
    async [Symbol.asyncDispose]() {
      for (const resource of [owner, other, listener]) await resource[Symbol.asyncDispose]();
    },
  };
}

describe('notifications alone', () => {
  it('bring every event to a follower on another node, and the end', async () => {
    await using nodes = await startTwoNodes();
    const start = await insertRunningTurn(db.database);
    const { turnId } = start;
    const writer = nodes.owner.open({ turnId, fence: 1 }, start, () => undefined);
    const sight = follow(nodes.other, turnId, []);
    for (let chunkId = 0; chunkId < 20; chunkId += 1) {
      writer.append([{ type: 'token', chunkId, token: 'x' }]);
      await expect.poll(() => sight.events.length).toBe(chunkId + 2);
    }
    await seal(db.database, nodes.owner, writer);
    await sight.ended;
    expect(sight.events.map((event) => event.type)).toEqual([
      'start',
      ...Array.from({ length: 20 }, () => 'token'),
      'end',
    ]);
  });

  it('bring the end that another node gave to the turn', async () => {
    await using nodes = await startTwoNodes();
    const { turnId } = await insertRunningTurn(db.database);
    const sight = follow(nodes.other, turnId, []);
    await expect.poll(() => nodes.received.count).toBeGreaterThan(0);
    await takeOver(db.database, nodes.owner, turnId);
    await sight.ended;
    expect(sight.events.map((event) => event.type)).toEqual(['start', 'interrupted']);
  });

  it('are not sent for turns that nobody follows elsewhere', async () => {
    await using nodes = await startTwoNodes();
    const start = await insertRunningTurn(db.database);
    const { turnId } = start;
    const writer = nodes.owner.open({ turnId, fence: 1 }, start, () => undefined);
    const sight = follow(nodes.owner, turnId, []);
    writer.append([{ type: 'token', chunkId: 0, token: 'x' }]);
    await seal(db.database, nodes.owner, writer);
    await sight.ended;
    // Notifications come in the order of their commits: what had been sent before would have come by now.
    await db.database.notify(CHANNEL, 'the last one');
    await expect.poll(() => nodes.received.count).toBeGreaterThan(0);
    expect(nodes.received.count).toBe(1);
  });
});

describe('followers of turns that another node writes', () => {
  it('that have nothing to read cost one statement an interval, however many they are', async () => {
    const starts = await Promise.all(Array.from({ length: 20 }, () => insertRunningTurn(db.database)));
    let uses = 0;
    const counted: Database = {
      ...db.database,
      asWorker: (run) => {
        uses += 1;
        return db.database.asWorker(run);
      },
    };
    await using log = createNodeLog({ database: counted, pollMs: 20, slowPollMs: 20 });
    const controller = new AbortController();
    const reading = starts.map(({ turnId }) => log.read({ turnId, epoch: 1, seq: 1 }, controller.signal));
    await expect.poll(() => uses).toBeGreaterThan(starts.length + 5);
    const [before, beganAt] = [uses, performance.now()];
    await expect.poll(() => uses).toBeGreaterThan(before + 5);
    expect(uses - before).toBeLessThanOrEqual((performance.now() - beganAt) / 20 + 2);
    controller.abort();
    expect(await Promise.all(reading)).toEqual(starts.map(() => undefined));
    const idle = uses;
    await db.database.ping();
    expect(uses).toBeLessThanOrEqual(idle + 1);
  });

  it('that are a hundred of one turn cause one stream of reads', async () => {
    await using nodes = await startTwoNodes();
    const start = await insertRunningTurn(db.database);
    const { turnId } = start;
    const writer = nodes.owner.open({ turnId, fence: 1 }, start, () => undefined);
    const sights = Array.from({ length: 100 }, () => follow(nodes.other, turnId, []));
    const WRITES = 20;
    for (let chunkId = 0; chunkId < WRITES; chunkId += 1) {
      writer.append([{ type: 'token', chunkId, token: 'x' }]);
      await expect
        .poll(() => new Set(sights.map(({ events }) => events.length)))
        .toEqual(new Set([chunkId + 2]));
    }
    await seal(db.database, nodes.owner, writer);
    await Promise.all(sights.map(({ ended }) => ended));
    const reads = await nodes.countReads();
    // One finds the events of a write, one finds nothing after them; the first and the last may take a few more.
    expect(reads.store).toBeLessThan(3 * WRITES);
    expect(reads.shared).toBeGreaterThan(100 * WRITES);
  });
});
