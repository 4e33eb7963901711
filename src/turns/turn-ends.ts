/** Waiting for turns of other nodes to end: woken by what is announced, with one statement at intervals for all who wait behind it. */
import { CHANNEL, EVERYTHING, parseMessage } from '../conversations/announcer.ts';
import type { Database } from '../db/client.ts';
import type { Listener } from '../db/listener.ts';
import { delay, orAborted } from '../lib/abort.ts';
import { selectRunning } from './lease-store.ts';

export interface TurnEnds extends Disposable {
  /** Resolves when the turn has ended, or the signal is aborted. Throws DEPENDENCY_UNAVAILABLE when that cannot be seen. */
  wait(turnId: string, signal: AbortSignal): Promise<void>;
}

export interface TurnEndsDeps {
  readonly database: Database;
  /** Stays the caller's to dispose. */
  readonly listener: Listener;
}

/** Between two looks that nothing asked for. */
const POLL_MS = 500;

interface Waiting {
  readonly turnId: string;
  readonly end: PromiseWithResolvers<void>;
}

/** Listens until disposed. Whoever still waits then waits for its signal. */
export function createTurnEnds({ database, listener }: TurnEndsDeps): TurnEnds {
  const waiting = new Set<Waiting>();
  let isLooking = false;
  /** Aborted to look again without waiting for the interval. */
  let nap = new AbortController();

  const look = async (): Promise<void> => {
    const asked = [...waiting];
    try {
      const turnIds = [...new Set(asked.map(({ turnId }) => turnId))];
      const running = await database.asWorker((tx) => selectRunning(tx, turnIds));
      for (const one of asked) if (!running.has(one.turnId)) leave(one).resolve();
    } catch (error) {
      for (const one of asked) leave(one).reject(error);
    }
  };
  const leave = (one: Waiting): Waiting['end'] => {
    waiting.delete(one);
    if (waiting.size === 0) nap.abort();
    return one.end;
  };
  const keepLooking = async (): Promise<void> => {
    if (isLooking) return nap.abort();
    isLooking = true;
    while (waiting.size > 0) {
      // Before the look: what is heard while it is under way may be news to it.
      nap = new AbortController();
      await look();
      await delay(POLL_MS, nap.signal);
    }
    isLooking = false;
  };
  const listening = listener.listen(CHANNEL, {
    onConnect: () => nap.abort(),
    onMessage(payload) {
      if (waiting.size === 0) return;
      const message = parseMessage(payload);
      const changed = message === EVERYTHING ? undefined : new Set(message.map(([, , , turnId]) => turnId));
      if ([...waiting].some(({ turnId }) => changed?.has(turnId) ?? true)) nap.abort();
    },
  });

  return {
    async wait(turnId, signal) {
      if (signal.aborted) return;
      const one: Waiting = { turnId, end: Promise.withResolvers<void>() };
      waiting.add(one);
      void keepLooking();
      try {
        await orAborted(one.end.promise, signal);
      } finally {
        leave(one);
      }
    },
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  };
}
