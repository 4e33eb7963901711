/** Deletes everything of a viewer: at once for all who could see it, and by a job what takes longer. */
import { insertAudit } from '../auth/audit-store.ts';
import type { Config } from '../config/config.ts';
import type { Announcer } from '../conversations/announcer.ts';
import { eraseConversation } from '../conversations/conversations.ts';
import type { Database } from '../db/client.ts';
import { AppError } from '../errors.ts';
import type { JobPayload } from '../jobs/job-types.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { deleteTranscripts } from '../transcripts/transcripts.ts';
import type { Viewer } from '../types/viewer.ts';
import type { TurnEngine } from './engine.ts';
import {
  buryEverything,
  eraseElsewhere,
  forgetOwner,
  forgetSpender,
  selectNow,
  selectRunningElsewhere,
  selectTombstones,
} from './viewer-store.ts';

export interface DeleteViewerDeps {
  readonly database: Database;
  readonly jobs: Pick<Jobs, 'enqueue'>;
  readonly announcer: Announcer;
}

/** How many of each are gone. */
export interface DeletedCounts {
  readonly conversations: number;
  readonly turns: number;
  readonly uploads: number;
  readonly feedback: number;
}

/**
 * One transaction: whoever looks afterwards finds nothing, and the job that does the rest is in the queue. Deleting again
 * deletes what has come since. Followers of running turns learn of it when the job ends these.
 */
export async function deleteMyData(deps: DeleteViewerDeps, viewer: Viewer): Promise<DeletedCounts> {
  const ownerId = viewer.id;
  const { conversationIds, ...counts } = await deps.database.asViewer(viewer, async (tx) => {
    const until = await selectNow(tx);
    const buried = await buryEverything(tx);
    await insertAudit(tx, 'DELETE_MY_DATA', [{ ownerId }]);
    await deps.jobs.enqueue(tx, { name: 'delete-viewer', payload: { viewerId: ownerId, until } });
    return buried;
  });
  for (const conversationId of conversationIds) {
    deps.announcer.announce({ kind: 'CONVERSATION_REMOVED', ownerId, conversationId });
  }
  return { conversations: conversationIds.length, ...counts };
}

export interface EraseViewerDeps extends Omit<DeleteViewerDeps, 'announcer'> {
  readonly engine: Pick<TurnEngine, 'interruptConversation'>;
  readonly config: Pick<Config, 'transcripts'>;
}

/** Tombstones that are looked up at a time. */
const BATCH = 100;

/** Has this node do the long part. It may be done again: what is gone is not there to be found. */
export function registerDeleteViewer(jobs: Pick<Jobs, 'work'>, deps: EraseViewerDeps): void {
  jobs.work('delete-viewer', (payload, signal) => eraseViewer(deps, payload, signal));
}

type Erasure = JobPayload<'delete-viewer'>;

async function eraseViewer(deps: EraseViewerDeps, erasure: Erasure, signal: AbortSignal): Promise<void> {
  const { database } = deps;
  const { viewerId } = erasure;
  const next = () => database.asWorker((tx) => selectTombstones(tx, viewerId, BATCH));
  for (let tombstones = await next(); tombstones.length > 0; tombstones = await next()) {
    for (const id of tombstones) {
      signal.throwIfAborted();
      await eraseTombstone(deps, viewerId, id);
    }
  }
  for (const id of await database.asWorker((tx) => selectRunningElsewhere(tx, erasure))) {
    await deps.engine.interruptConversation(toActor(viewerId), id, 'CANCELLED');
  }
  await database.asWorker(async (tx) => {
    await eraseElsewhere(tx, erasure);
    await forgetSpender(tx, viewerId);
  });
  await deleteTranscripts(deps, viewerId);
}

/** The turn in it is ended first: nothing that comes late may find its owner. */
async function eraseTombstone(deps: EraseViewerDeps, viewerId: string, id: string): Promise<void> {
  await deps.engine.interruptConversation(toActor(viewerId), id, 'CONVERSATION_DELETED');
  await eraseConversation(deps, id);
  if (await deps.database.asWorker((tx) => forgetOwner(tx, id))) return;
  throw new AppError('DEPENDENCY_UNAVAILABLE', 'A turn of a deleted conversation has not ended yet');
}

const toActor = (id: string): Viewer => ({ id, name: id, roles: [] });
