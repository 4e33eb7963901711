/** What changes in conversations, heard by the clients of their owner on every node, on real Postgres. */
import { setTimeout as turnOfLoop } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConversationChange } from '../../../src/conversations/announcer.ts';
import {
  type ConversationFeed,
  type ConversationUpdate,
  createConversationFeed,
} from '../../../src/conversations/feed.ts';
import { openDatabase } from '../../../src/db/client.ts';
import { createListener } from '../../../src/db/listener.ts';
import { newId } from '../../../src/lib/ids.ts';
import { createLog } from '../../../src/log.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { startTestPostgres } from '../../support/postgres.ts';

const log = createLog('silent');

/** One node: its listener connection and its feed. */
async function startNode(url: string): Promise<AsyncDisposable & { readonly feed: ConversationFeed }> {
  await using resources = new AsyncDisposableStack();
  const database = resources.use(openDatabase({ url, poolSize: 2 }));
  const listener = resources.use(createListener({ url, log }));
  const feed = resources.use(createConversationFeed({ database, listener, log }));
  // Channels are joined in order: the feed's own is by then.
  const connected = Promise.withResolvers<void>();
  using _last = listener.listen('last', { onMessage: () => {}, onConnect: connected.resolve });
  await connected.promise;
  const owned = resources.move();
  return { feed, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Reads until told to stop. */
function follow({ feed }: { readonly feed: ConversationFeed }, ownerId: string) {
  const controller = new AbortController();
  const updates: ConversationUpdate[] = [];
  const batches = feed.follow(ownerId, controller.signal);
  const done = (async () => {
    for await (const batch of batches) updates.push(...batch);
  })();
  return {
    updates,
    async [Symbol.asyncDispose]() {
      controller.abort();
      await done;
    },
  };
}

const SUBSCRIBED = { kind: 'RESYNC', reason: 'SUBSCRIBED' };
const MISSED = { kind: 'RESYNC', reason: 'MISSED' };
const toUpsert = (ownerId: string, conversationId = newId()) =>
  ({ kind: 'CONVERSATION_UPSERT', ownerId, conversationId }) as const;
const withoutOwner = ({ ownerId: _, ...update }: ConversationChange) => update;

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());

describe('the feed', () => {
  it('tells the followers of an owner on all nodes, in order, and nobody else', async () => {
    await using first = await startNode(db.url);
    await using second = await startNode(db.url);
    const [ada, eve] = [newId(), newId()];
    await using here = follow(first, ada);
    await using there = follow(second, ada);
    await using stranger = follow(second, eve);
    const [conversationId, turnId] = [newId(), newId()];
    const changes: readonly ConversationChange[] = [
      toUpsert(ada, conversationId),
      { kind: 'TURN_CHANGED', ownerId: ada, conversationId, turnId },
      { kind: 'CONVERSATION_REMOVED', ownerId: ada, conversationId },
    ];
    for (const change of changes) first.feed.announce(change);
    const expected = [SUBSCRIBED, ...changes.map(withoutOwner)];
    await expect.poll(() => here.updates).toEqual(expected);
    await expect.poll(() => there.updates).toEqual(expected);
    second.feed.announce(toUpsert(eve, conversationId));
    await expect.poll(() => stranger.updates).toHaveLength(2);
    expect(here.updates).toEqual(expected);
  });

  it('tells the same change that is announced many times at once only a few times', async () => {
    await using node = await startNode(db.url);
    await using reader = follow(node, 'ada');
    const change = toUpsert('ada');
    for (let time = 0; time < 500; time += 1) node.feed.announce(change);
    const last = toUpsert('ada');
    node.feed.announce(last);
    await expect.poll(() => reader.updates.at(-1)).toEqual(withoutOwner(last));
    expect(reader.updates.length).toBeLessThan(6);
  });

  it('takes hundreds of changes at once, in notifications that Postgres takes', async () => {
    await using node = await startNode(db.url);
    const ownerId = 'x'.repeat(5_000);
    await using reader = follow(node, ownerId);
    await expect.poll(() => reader.updates).toEqual([SUBSCRIBED]);
    const changes = Array.from({ length: 150 }, () => ({
      kind: 'TURN_CHANGED' as const,
      ownerId,
      conversationId: 'f'.repeat(48),
      turnId: newId(),
    }));
    for (const change of changes) node.feed.announce(change);
    await expect.poll(() => reader.updates).toEqual([SUBSCRIBED, ...changes.map(withoutOwner)]);
  });

  it('has a follower that reads too slowly look for itself instead of keeping everything for it', async () => {
    await using node = await startNode(db.url);
    const controller = new AbortController();
    const slow = node.feed.follow('ada', controller.signal)[Symbol.asyncIterator]();
    await using quick = follow(node, 'ada');
    const changes = Array.from({ length: 350 }, () => toUpsert('ada'));
    for (const change of changes) {
      node.feed.announce(change);
      await turnOfLoop();
    }
    await expect.poll(() => quick.updates.at(-1)).toEqual(withoutOwner(changes.at(-1) ?? toUpsert('ada')));
    const { value } = await slow.next();
    expect(value?.[0]).toEqual(MISSED);
    expect(value?.length).toBeLessThanOrEqual(200);
    expect(value?.at(-1)).toEqual(quick.updates.at(-1));
    controller.abort();
  });

  it('has everybody look for themselves after the listening connection was cut', async () => {
    await using node = await startNode(db.url);
    await using reader = follow(node, 'ada');
    await expect.poll(() => reader.updates).toEqual([SUBSCRIBED]);
    await db.database.driver`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'millrace-listen' AND datname = current_database()`;
    await expect.poll(() => reader.updates).toEqual([SUBSCRIBED, MISSED]);
    const change = toUpsert('ada');
    node.feed.announce(change);
    await expect.poll(() => reader.updates).toEqual([SUBSCRIBED, MISSED, withoutOwner(change)]);
  });

  it('has everybody look for themselves after a notification that cannot be read', async () => {
    await using node = await startNode(db.url);
    await using reader = follow(node, 'ada');
    await expect.poll(() => reader.updates).toEqual([SUBSCRIBED]);
    await db.database.driver.notify('millrace_conversations', '{"of": "another version"}');
    await expect.poll(() => reader.updates).toEqual([SUBSCRIBED, MISSED]);
    await db.database.driver.notify('millrace_conversations', 'no JSON');
    await expect.poll(() => reader.updates).toEqual([SUBSCRIBED, MISSED, MISSED]);
  });

  it('goes on after an outage, once everybody was told to look for themselves', async () => {
    await using postgres = await startTestPostgres();
    await using node = await startNode(postgres.url);
    await using reader = follow(node, 'ada');
    await expect.poll(() => reader.updates).toEqual([SUBSCRIBED]);
    await postgres.stop();
    node.feed.announce(toUpsert('ada'));
    await postgres.start();
    await expect.poll(() => reader.updates, { timeout: 15_000 }).toContainEqual(MISSED);
    const change = toUpsert('ada');
    node.feed.announce(change);
    await expect.poll(() => reader.updates, { timeout: 15_000 }).toContainEqual(withoutOwner(change));
  });

  it('ends for a follower that leaves, also while nothing happens', async () => {
    await using node = await startNode(db.url);
    const controller = new AbortController();
    const updates = node.feed.follow('ada', controller.signal)[Symbol.asyncIterator]();
    await updates.next();
    const waiting = updates.next();
    controller.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});
