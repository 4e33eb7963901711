/** Forgets, as a job of one node at a time, the events and keys of turns that have been over for long. */
import type { Database } from '../db/client.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { expireOldest } from './retention-store.ts';

export interface ExpireDeps {
  readonly database: Database;
  /** Milliseconds from the end of a turn. */
  readonly retentionMs: number;
}

/** A transaction deletes the events of so many turns: short, whatever has piled up. */
const BATCH_TURNS = 500;

/** Transaction after transaction until nothing old is left, or the signal is aborted; resolves with the number of turns. */
export async function expireTurns(
  { database, retentionMs }: ExpireDeps,
  signal: AbortSignal,
): Promise<number> {
  let total = 0;
  while (!signal.aborted) {
    const expired = await database.asWorker((tx) => expireOldest(tx, { retentionMs, limit: BATCH_TURNS }));
    total += expired;
    if (expired < BATCH_TURNS) break;
  }
  return total;
}

export function registerExpireTurns(jobs: Pick<Jobs, 'work'>, deps: ExpireDeps): void {
  jobs.work('expire-turns', async (_, signal) => void (await expireTurns(deps, signal)));
}
