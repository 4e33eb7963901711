/** Tells the owners of turns that are followed here, and stop when nobody follows them, that somebody does. What owners make of it is live-turns.ts. */
import type { Database } from '../db/client.ts';
import type { Log } from '../log.ts';
import { touchFollowed } from './follow-store.ts';

export interface ForeignFollowers extends AsyncDisposable {
  /** Counts a follower of another node's turn until the returned function is called, the first time. */
  add(turnId: string): () => void;
}

export interface ForeignFollowersDeps {
  readonly database: Database;
  readonly log: Log;
  /** Milliseconds for which a turn goes on without followers. */
  readonly graceMs: number;
}

/** How often a turn is said to be followed within the grace time: one failure is then no harm. */
const TOUCHES_PER_GRACE = 3;

/**
 * All turns are told of in one statement: when the first follower has come, at intervals while there is one, and once more
 * when the last has left, since the grace time begins then. Disposal waits for the statement that is under way.
 */
export function createForeignFollowers({ database, log, graceMs }: ForeignFollowersDeps): ForeignFollowers {
  const followers = new Map<string, number>();
  const due = new Set<string>();
  let touching: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const touchDue = async (): Promise<void> => {
    // Who comes or leaves in one go is told of in one statement.
    await Promise.resolve();
    while (due.size > 0) {
      const turnIds = [...due];
      due.clear();
      try {
        const running = await database.asWorker((tx) => touchFollowed(tx, turnIds, graceMs));
        for (const turnId of turnIds) if (!running.has(turnId)) forget(turnId);
      } catch (error) {
        log.warn({ err: error }, 'that turns are followed here could not be stored; it is tried again');
      }
    }
  };
  const touch = (turnIds: Iterable<string>): void => {
    for (const turnId of turnIds) due.add(turnId);
    touching ??= touchDue().finally(() => {
      touching = undefined;
    });
  };
  const forget = (turnId: string): void => {
    followers.delete(turnId);
    if (followers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const leave = (turnId: string): void => {
    const count = followers.get(turnId);
    if (count === undefined) return;
    if (count > 1) return void followers.set(turnId, count - 1);
    forget(turnId);
    touch([turnId]);
  };

  return {
    add(turnId) {
      const count = followers.get(turnId) ?? 0;
      followers.set(turnId, count + 1);
      if (count === 0) touch([turnId]);
      timer ??= setInterval(() => touch(followers.keys()), graceMs / TOUCHES_PER_GRACE).unref();
      let left = false;
      return () => {
        if (!left) leave(turnId);
        left = true;
      };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await touching;
    },
  };
}
