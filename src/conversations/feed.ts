/** What changes in a viewer's conversations, for those of their clients that follow it on this node, wherever it was changed. */
import type { Listener } from '../db/listener.ts';
import { createNotifier, type Notifier } from '../lib/notifier.ts';
import {
  type Announcer,
  type AnnouncerDeps,
  CHANNEL,
  createAnnouncer,
  EVERYTHING,
  type Note,
  parseMessage,
  toOwnerKey,
} from './announcer.ts';

export type ResyncReason = 'SUBSCRIBED' | 'MISSED';

export type ConversationUpdate =
  | { readonly kind: 'CONVERSATION_UPSERT'; readonly conversationId: string }
  | { readonly kind: 'CONVERSATION_REMOVED'; readonly conversationId: string }
  | { readonly kind: 'TURN_CHANGED'; readonly conversationId: string; readonly turnId: string }
  | { readonly kind: 'RESYNC'; readonly reason: ResyncReason };

/** What is kept at the moment, all of it bounded. */
export interface FeedCounts {
  readonly followers: number;
  /** Updates that wait for these. */
  readonly waiting: number;
  /** Changes that other nodes are still to be told of. */
  readonly unannounced: number;
}

export interface ConversationFeed extends Announcer, AsyncDisposable {
  /** For the metrics. */
  count(): FeedCounts;
  /**
   * Follows the conversations of an owner from now on, in batches, until the signal is aborted. The first update is a
   * RESYNC; another one comes whenever something may have been missed, also because the reader was too slow.
   */
  follow(ownerId: string, signal: AbortSignal): AsyncIterable<readonly ConversationUpdate[]>;
}

export interface FeedDeps extends AnnouncerDeps {
  /** Stays the caller's to dispose. */
  readonly listener: Listener;
}

/** Updates that wait for one reader; beyond that they are dropped and the reader looks for itself. */
const MAX_WAITING = 200;

interface Follower {
  /** By what they say: the same update twice is told once. */
  readonly waiting: Map<string, ConversationUpdate>;
  readonly news: Notifier;
}

export function createConversationFeed({ listener, ...deps }: FeedDeps): ConversationFeed {
  const followers = new Map<string, Set<Follower>>();
  const announcer = createAnnouncer(deps);
  const resyncAll = (): void => {
    for (const follower of [...followers.values()].flatMap((known) => [...known])) resync(follower, 'MISSED');
  };
  const listening = listener.listen(CHANNEL, {
    onConnect: resyncAll,
    onMessage(payload) {
      const message = parseMessage(payload);
      if (message === EVERYTHING) return resyncAll();
      for (const note of message) for (const follower of followers.get(note[0]) ?? []) tell(follower, note);
    },
  });
  return {
    announce: announcer.announce,
    count() {
      const all = [...followers.values()].flatMap((known) => [...known]);
      const waiting = all.reduce((sum, follower) => sum + follower.waiting.size, 0);
      return { followers: all.length, waiting, unannounced: announcer.waiting };
    },
    follow(ownerId, signal) {
      const follower: Follower = { waiting: new Map(), news: createNotifier() };
      resync(follower, 'SUBSCRIBED');
      add(followers, { key: toOwnerKey(ownerId), follower }, signal);
      return readUpdates(follower, signal);
    },
    async [Symbol.asyncDispose]() {
      await announcer[Symbol.asyncDispose]();
      listening[Symbol.dispose]();
    },
  };
}

/** Until the signal is aborted: the updates may never be read. */
function add(
  followers: Map<string, Set<Follower>>,
  { key, follower }: { readonly key: string; readonly follower: Follower },
  signal: AbortSignal,
): void {
  if (signal.aborted) return;
  const known = followers.get(key) ?? new Set<Follower>();
  followers.set(key, known.add(follower));
  const leave = (): void => {
    known.delete(follower);
    if (known.size === 0 && followers.get(key) === known) followers.delete(key);
  };
  signal.addEventListener('abort', leave, { once: true });
}

/** Whatever waited is part of what the reader will find. */
function resync(follower: Follower, reason: ResyncReason): void {
  follower.waiting.clear();
  put(follower, { kind: 'RESYNC', reason });
}

function tell(follower: Follower, [, kind, conversationId, turnId = '']: Note): void {
  if (follower.waiting.size >= MAX_WAITING) resync(follower, 'MISSED');
  else put(follower, kind === 'TURN_CHANGED' ? { kind, conversationId, turnId } : { kind, conversationId });
}

function put({ waiting, news }: Follower, update: ConversationUpdate): void {
  waiting.set(JSON.stringify(update), update);
  news.notify();
}

async function* readUpdates(
  { waiting, news }: Follower,
  signal: AbortSignal,
): AsyncGenerator<readonly ConversationUpdate[], void, undefined> {
  while (!signal.aborted) {
    if (waiting.size === 0) await news.wait(signal);
    const updates = [...waiting.values()];
    waiting.clear();
    if (updates.length > 0 && !signal.aborted) yield updates;
  }
}
