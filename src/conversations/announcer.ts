/** Tells all nodes what has changed in conversations. Who hears it, and what of it a viewer is told, is the feed's. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../db/client.ts';
import { delay, orAborted } from '../lib/abort.ts';
import type { Log } from '../log.ts';

/** Something that is committed; the ids are what there is to know, the rest is read by whoever wants it. */
export type ConversationChange = { readonly ownerId: string; readonly conversationId: string } & (
  | { readonly kind: 'CONVERSATION_UPSERT' | 'CONVERSATION_REMOVED' }
  | { readonly kind: 'TURN_CHANGED'; readonly turnId: string }
);

export interface Announcer {
  /** To be called after the commit. Returns at once and never throws; the same change twice in a row is told once. */
  announce(change: ConversationChange): void;
}

export interface CountedAnnouncer extends Announcer, AsyncDisposable {
  /** Changes that are still to be told. */
  readonly waiting: number;
}

export interface AnnouncerDeps {
  readonly database: Pick<Database, 'notify'>;
  readonly log: Log;
}

export const CHANNEL = 'millrace_conversations';
/** Changes in one notification: about 140 bytes each, of the 8,000 that Postgres allows. */
const BATCH = 40;
/** Changes that wait while the database is away; beyond that everybody is told to look for themselves. */
const MAX_WAITING = 1_000;
const RETRY_MS = 1_000;
/** After a notification: what changes meanwhile goes into the next, so that a busy node sends few of them. */
const PAUSE_MS = 25;
/** Longest wait in milliseconds for what is left when the process ends. */
const SHUTDOWN_MS = 2_000;

/** Owner (as a hash), kind, conversation, turn. */
const noteSchema = z.tuple([
  z.string(),
  z.enum(['CONVERSATION_UPSERT', 'CONVERSATION_REMOVED', 'TURN_CHANGED']),
  z.string(),
  z.string().optional(),
]);
export type Note = z.output<typeof noteSchema>;

/** Everything may have changed, for everybody. */
export const EVERYTHING = 'everything';
const messageSchema = z.union([z.literal(EVERYTHING), z.array(noteSchema)]);

/** What a notification says; unreadable ones, of another version perhaps, may have said anything. */
export function parseMessage(payload: string): readonly Note[] | typeof EVERYTHING {
  try {
    return messageSchema.catch(EVERYTHING).parse(JSON.parse(payload));
  } catch {
    return EVERYTHING;
  }
}

/** How an owner is named in notifications, which every user of the database can read. */
export function toOwnerKey(ownerId: string): string {
  return createHash('sha256').update(ownerId).digest('base64url').slice(0, 22);
}

function toNote(change: ConversationChange): Note {
  const owner = toOwnerKey(change.ownerId);
  return change.kind === 'TURN_CHANGED'
    ? [owner, change.kind, change.conversationId, change.turnId]
    : [owner, change.kind, change.conversationId];
}

/** One notification is on its way at a time; what is announced until shortly after it goes into the next. Disposal sends what is left, for a bounded time. */
export function createAnnouncer({ database, log }: AnnouncerDeps): CountedAnnouncer {
  const waiting = new Map<string, Note>();
  const stop = new AbortController();
  let hasOverflown = false;
  let sending: Promise<void> | undefined;

  const put = (note: Note): void => {
    waiting.set(JSON.stringify(note), note);
    if (waiting.size <= MAX_WAITING) return;
    waiting.clear();
    hasOverflown = true;
  };
  const notify = (message: readonly Note[] | typeof EVERYTHING): Promise<void> =>
    database.notify(CHANNEL, JSON.stringify(message));
  /** True when it was sent; else it waits again. */
  const sendNext = async (): Promise<boolean> => {
    const isEverything = hasOverflown;
    const batch = isEverything ? [] : [...waiting].slice(0, BATCH);
    hasOverflown = false;
    for (const [key] of batch) waiting.delete(key);
    try {
      await notify(isEverything ? EVERYTHING : batch.map(([, note]) => note));
      return true;
    } catch (error) {
      log.warn({ err: error }, 'changes of conversations could not be announced; it is tried again');
      hasOverflown ||= isEverything;
      for (const [, note] of batch) put(note);
      return false;
    }
  };
  const sendAll = async (): Promise<void> => {
    // What is announced in one go is told in one notification: each takes a lock that all of them share.
    await Promise.resolve();
    while (hasOverflown || waiting.size > 0) {
      if (stop.signal.aborted) return;
      const isSent = await sendNext();
      await delay(isSent ? PAUSE_MS : RETRY_MS, stop.signal);
    }
  };
  return {
    get waiting() {
      return waiting.size;
    },
    announce(change) {
      put(toNote(change));
      sending ??= sendAll().finally(() => {
        sending = undefined;
      });
    },
    async [Symbol.asyncDispose]() {
      if (sending) await orAborted(sending, AbortSignal.timeout(SHUTDOWN_MS));
      stop.abort();
      await sending;
    },
  };
}
