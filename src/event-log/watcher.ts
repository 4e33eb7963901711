/** Waiting for news of turns that other nodes write: one statement per interval for all who wait here. What the news is, they read themselves. */
import { delay } from '../lib/abort.ts';
import { createNotifier, type Notifier } from '../lib/notifier.ts';
import type { LogPosition } from './event-log.ts';

/** How far the stored log of a turn has come. */
export interface StoredHead {
  readonly isRunning: boolean;
  readonly fence: number;
  readonly lastSeq: number;
}

export interface WatcherDeps {
  readonly pollMs: number;
  /** A turn that is not found is left out. */
  readonly loadHeads: (turnIds: readonly string[]) => Promise<ReadonlyMap<string, StoredHead>>;
}

export interface Watcher {
  /** Resolves after the next look that finds something beyond the position, or fails, or when the signal is aborted; never rejects. */
  wait(position: LogPosition, signal: AbortSignal): Promise<void>;
}

interface Waiting {
  readonly position: LogPosition;
  readonly news: Notifier;
}

function hasNews({ seq, epoch }: LogPosition, head: StoredHead | undefined): boolean {
  return !head?.isRunning || head.lastSeq > seq || (seq > 0 && head.fence > epoch);
}

export function createWatcher({ pollMs, loadHeads }: WatcherDeps): Watcher {
  const waiting = new Set<Waiting>();
  let isLooking = false;

  /** Whoever cannot be told is woken, too, and meets the failure itself. */
  const look = async (): Promise<void> => {
    const asked = [...waiting];
    const turnIds = [...new Set(asked.map(({ position }) => position.turnId))];
    const heads = await loadHeads(turnIds).catch(() => new Map<string, StoredHead>());
    for (const { position, news } of asked) if (hasNews(position, heads.get(position.turnId))) news.notify();
  };
  const keepLooking = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    while (waiting.size > 0) {
      await delay(pollMs);
      if (waiting.size > 0) await look();
    }
    isLooking = false;
  };

  return {
    async wait(position, signal) {
      const one: Waiting = { position, news: createNotifier() };
      waiting.add(one);
      void keepLooking();
      await one.news.wait(signal);
      waiting.delete(one);
    },
  };
}
