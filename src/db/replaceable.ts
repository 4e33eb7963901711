/** A driver's pool of connections, and when another takes its place. What runs in it is the caller's business. */
import type { Sql } from 'postgres';

export interface Pool {
  readonly driver: Sql;
}

export interface Replaceable<P extends Pool> extends AsyncDisposable {
  /** That of the moment. */
  readonly current: P;
  /** For a server that has fallen silent: the connections of this pool would hang for a quarter of an hour. */
  drop(used: P): void;
  /**
   * For a pool that has lost a connection: while a write waited in it, that connection never writes again, and whoever is
   * given it waits in vain (https://github.com/porsager/postgres/issues/1133). What is under way in the others may finish.
   */
  retire(used: P): void;
}

/** Between two that are retired: who cannot connect at all is to wait longer and longer, which a new pool does not know. */
const RETIRE_MS = 1_000;

/** What is under way in a pool is over after `graceMs`. */
export function createReplaceable<P extends Pool>(open: () => P, graceMs: number): Replaceable<P> {
  const old = new Map<P, NodeJS.Timeout>();
  let current = open();
  let openedAt = Number.NEGATIVE_INFINITY;

  const end = (pool: P): Promise<void> => {
    clearTimeout(old.get(pool));
    old.delete(pool);
    return pool.driver.end({ timeout: 0 });
  };
  const replace = (): void => {
    current = open();
    openedAt = performance.now();
  };
  return {
    get current() {
      return current;
    },
    drop(used) {
      if (used === current) replace();
      else if (!old.has(used)) return;
      void end(used);
    },
    retire(used) {
      if (used !== current || performance.now() - openedAt < RETIRE_MS) return;
      replace();
      old.set(used, setTimeout(() => void end(used), graceMs).unref());
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([current.driver.end({ timeout: 2 }), ...[...old.keys()].map(end)]);
    },
  };
}
