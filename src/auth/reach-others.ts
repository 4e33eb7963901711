/** The way to what belongs to others: by an action that says so, and never unseen. */
import type { Database, ViewerTx } from '../db/client.ts';
import type { Action } from '../types/action.ts';
import type { Viewer } from '../types/viewer.ts';
import { insertAudit, type Target } from './audit-store.ts';
import type { Policy } from './policy.ts';

export interface ReachDeps {
  readonly database: Database;
  readonly policy: Policy;
}

/** What opens something of others. */
export type OthersAction = Extract<Action, `${string}_OTHERS_${string}`>;

export interface Reaching<T> {
  readonly action: OthersAction;
  /** One transaction for all: without the action it finds the viewer's own. */
  readonly run: (tx: ViewerTx) => Promise<T>;
  /** What the result shows or changes. What of it belongs to others is written down in the same transaction. */
  readonly targets: (result: T) => readonly Target[];
}

/**
 * Runs for a viewer who reaches everyone's rows with the action, and otherwise, by the same statements, only their own. With
 * QUERY_OTHERS_CONVERSATIONS that includes what they asked in conversations of others.
 */
export async function reachOthers<T>(
  { database, policy }: ReachDeps,
  viewer: Viewer,
  { action, run, targets }: Reaching<T>,
): Promise<T> {
  if (!policy.can(viewer, action)) {
    const reach = policy.can(viewer, 'QUERY_OTHERS_CONVERSATIONS') ? 'ASKED' : 'OWN';
    return database.asViewer(viewer, run, { reach });
  }
  const audited = async (tx: ViewerTx): Promise<T> => {
    const result = await run(tx);
    const foreign = targets(result).filter(({ ownerId }) => ownerId !== viewer.id);
    await insertAudit(tx, action, foreign);
    return result;
  };
  return database.asViewer(viewer, audited, { reach: 'EVERYONE' });
}
