/** What nodes tell each other about running turns, over one channel. A notification that is lost costs time, never an event. */
import { z } from 'zod';
import { orAborted } from '../lib/abort.ts';

export const CHANNEL = 'millrace_events';

/** The stored log of a turn has come so far. */
export interface News {
  readonly turnId: string;
  readonly fence: number;
  readonly seq: number;
}

/** Items of one kind in one notification: about 55 bytes each, of the 8,000 that Postgres allows. */
const BATCH = 60;
/** Longest wait in milliseconds for what is left when the process ends. */
const SHUTDOWN_MS = 2_000;

const messageSchema = z.object({
  /** Turn, fence and sequence number. */
  news: z.array(z.tuple([z.string(), z.int(), z.int()])).default([]),
  /** Turns that the sender follows and does not write. */
  following: z.array(z.string()).default([]),
});
export type Message = z.output<typeof messageSchema>;

const NOTHING: Message = { news: [], following: [] };

/** What a notification says; nothing when it cannot be read: it may come from another version. */
export function parseMessage(payload: string): Message {
  try {
    return messageSchema.catch(NOTHING).parse(JSON.parse(payload));
  } catch {
    return NOTHING;
  }
}

export interface NotifierDeps {
  /** Sends one payload to all nodes, this one included. */
  readonly send: (payload: string) => Promise<void>;
  readonly onSent: () => void;
}

/** Both return at once and never throw. What is told while a notification is on its way goes into the next. */
export interface NodeNotifier extends AsyncDisposable {
  /** Of one turn only the newest is told. */
  tellNews(news: News): void;
  tellFollowing(turnId: string): void;
}

function takeFirst<Key, Value>(map: Map<Key, Value>): readonly Value[] {
  const taken = [...map].slice(0, BATCH);
  for (const [key] of taken) map.delete(key);
  return taken.map(([, value]) => value);
}

/** Disposal sends what is left, for a bounded time. */
export function createNodeNotifier({ send, onSent }: NotifierDeps): NodeNotifier {
  const news = new Map<string, News>();
  const following = new Map<string, string>();
  let sending: Promise<void> | undefined;

  const sendNext = async (): Promise<void> => {
    const message: Message = {
      news: takeFirst(news).map(({ turnId, fence, seq }) => [turnId, fence, seq]),
      following: [...takeFirst(following)],
    };
    // What could not be sent is found by those who wait for it, at their next look.
    await send(JSON.stringify(message)).then(onSent, () => undefined);
  };
  const sendAll = async (): Promise<void> => {
    // What is told in one go is sent in one notification: each takes a lock that all of them share.
    await Promise.resolve();
    while (news.size + following.size > 0) await sendNext();
  };
  const start = (): void => {
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
  };
  return {
    tellNews(one) {
      news.set(one.turnId, one);
      start();
    },
    tellFollowing(turnId) {
      following.set(turnId, turnId);
      start();
    },
    async [Symbol.asyncDispose]() {
      if (sending) await orAborted(sending, AbortSignal.timeout(SHUTDOWN_MS));
      news.clear();
      following.clear();
    },
  };
}
