/** What a viewer does with conversations: list, read, rename, delete. Their turns are the turn engine's. */
import type { Target } from '../auth/audit-store.ts';
import { requireAction } from '../auth/policy.ts';
import { type ReachDeps, reachOthers } from '../auth/reach-others.ts';
import { isViewerName } from '../auth/viewer-id.ts';
import type { AnyTx, ViewerTx } from '../db/client.ts';
import { AppError } from '../errors.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { isStorable } from '../lib/text.ts';
import type { Conversation } from '../types/conversation.ts';
import type { Viewer } from '../types/viewer.ts';
import type { Announcer } from './announcer.ts';
import { parseConversationId } from './conversation-id.ts';
import * as store from './store.ts';

export type ConversationDeps = ReachDeps;

/** What it takes to change conversations. */
export interface ConversationChangeDeps extends ConversationDeps {
  readonly announcer: Announcer;
  readonly jobs: Pick<Jobs, 'enqueue'>;
}

export interface ListConversationsInput extends store.ConversationPage {
  /** Everyone's instead of one's own; needs LIST_OTHERS_CONVERSATIONS. */
  readonly ofEveryone?: boolean | undefined;
  /** Those of this viewer instead of one's own; needs LIST_OTHERS_CONVERSATIONS. */
  readonly ownerId?: string | undefined;
}

const MAX_TOPIC_SUMMARY = 1000;

/** Newest first by (lastMessageAt, id), at most `limit`. Throws FORBIDDEN, and BAD_USER_INPUT for an owner that nobody can be. */
export async function listConversations(
  deps: ConversationDeps,
  viewer: Viewer,
  input: ListConversationsInput,
): Promise<readonly Conversation[]> {
  const { ofEveryone = false, ownerId } = input;
  if (ofEveryone && ownerId !== undefined) {
    throw new AppError('BAD_USER_INPUT', 'ofEveryone and ownerId cannot be given together');
  }
  if (ownerId !== undefined && !isViewerName(ownerId)) {
    throw new AppError('BAD_USER_INPUT', 'The ownerId is not the id of a viewer');
  }
  const run = (tx: ViewerTx) => store.listConversations(tx, input);
  if (!ofEveryone && (ownerId ?? viewer.id) === viewer.id) return deps.database.asViewer(viewer, run);
  const action = 'LIST_OTHERS_CONVERSATIONS';
  requireAction(deps.policy, viewer, action);
  return reachOthers(deps, viewer, { action, run, targets: () => [{ ownerId: ownerId ?? null }] });
}

/** Throws BAD_USER_INPUT for an id of improper form, NOT_FOUND when there is none that the viewer may read. */
export async function getConversation(
  deps: ConversationDeps,
  viewer: Viewer,
  conversationId: string,
): Promise<Conversation> {
  const id = parseConversationId(conversationId);
  const found = await findConversations(deps, viewer, [id]);
  return found.get(id) ?? notFound(id);
}

/** Those of the given ids that the viewer may read. For batched loading: the ids are taken as they are stored. */
export async function findConversations(
  deps: ConversationDeps,
  viewer: Viewer,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Conversation>> {
  const found = await reachOthers(deps, viewer, {
    action: 'READ_OTHERS_CONVERSATIONS',
    run: (tx) => store.findConversations(tx, ids),
    targets: (conversations) => conversations.map(toTarget),
  });
  return new Map(found.map((conversation) => [conversation.id, conversation]));
}

/** Sets the topic summary of one's own conversation. Throws BAD_USER_INPUT or NOT_FOUND. */
export async function renameConversation(
  deps: ConversationChangeDeps,
  viewer: Viewer,
  input: { readonly conversationId: string; readonly topicSummary: string },
): Promise<Conversation> {
  const id = parseConversationId(input.conversationId);
  const topicSummary = parseTopicSummary(input.topicSummary);
  const renamed = await deps.database.asViewer(viewer, (tx) =>
    store.updateTopicSummary(tx, { id, topicSummary }),
  );
  if (!renamed) return notFound(id);
  deps.announcer.announce({ kind: 'CONVERSATION_UPSERT', ownerId: viewer.id, conversationId: id });
  return renamed;
}

/**
 * Hides a conversation for good and erases its ended turns, in one transaction, which also asks for the deletion of what
 * a backend keeps of it. A turn that still runs keeps running: the caller ends it, then calls `eraseConversation`.
 * Deleting again is ALREADY_DELETED. Throws BAD_USER_INPUT or NOT_FOUND.
 */
export async function deleteConversation(
  deps: ConversationChangeDeps,
  viewer: Viewer,
  conversationId: string,
): Promise<{ readonly id: string; readonly outcome: store.Burial }> {
  const id = parseConversationId(conversationId);
  const burial = await reachOthers(deps, viewer, {
    action: 'DELETE_OTHERS_CONVERSATIONS',
    run: async (tx) => {
      const buried = await store.buryConversation(tx, id);
      if (buried) await eraseContent(deps, tx, id);
      return buried;
    },
    targets: (buried) => (buried ? [toTarget({ id, ...buried })] : []),
  });
  if (!burial) return notFound(id);
  const { outcome, ownerId } = burial;
  if (outcome === 'DELETED') {
    deps.announcer.announce({ kind: 'CONVERSATION_REMOVED', ownerId, conversationId: id });
  }
  return { id, outcome };
}

/**
 * Erases what has ended in a deleted conversation since it was deleted; does nothing to one that is not deleted. To be
 * called with the id that `deleteConversation` gave: whose it is has been looked at there.
 */
export async function eraseConversation(
  deps: Pick<ConversationChangeDeps, 'database' | 'jobs'>,
  id: string,
): Promise<void> {
  await deps.database.asWorker((tx) => eraseContent(deps, tx, id));
}

/** Here, and by a job at the backend: its own conversation may have begun only in a turn that still ran. */
async function eraseContent(
  deps: Pick<ConversationChangeDeps, 'jobs'>,
  tx: AnyTx,
  id: string,
): Promise<void> {
  await store.eraseEndedTurns(tx, id);
  const kept = await store.findBackendConversation(tx, id);
  if (!kept) return;
  const key = `${kept.provider}/${kept.backendConversationId}`;
  await deps.jobs.enqueue(tx, { name: 'delete-backend-conversation', payload: kept, key });
}

/** How a conversation stands in the audit log. */
export function toTarget({ id, ownerId }: Pick<Conversation, 'id' | 'ownerId'>): Target {
  return { ownerId, kind: 'conversation', id };
}

function parseTopicSummary(text: string): string {
  const topicSummary = text.trim();
  const length = [...topicSummary].length;
  if (length < 1 || length > MAX_TOPIC_SUMMARY) {
    throw new AppError('BAD_USER_INPUT', `The topic summary must have 1 to ${MAX_TOPIC_SUMMARY} characters`);
  }
  if (isStorable(topicSummary)) return topicSummary;
  throw new AppError('BAD_USER_INPUT', 'The topic summary contains a NUL character or a lone surrogate');
}

/** Of one that there is not, and of one that is not the viewer's: the two are not to be told apart. */
export function notFound(id: string): never {
  throw new AppError('NOT_FOUND', 'Conversation not found', {
    details: { explanation: `Conversation with ID ${id} does not exist` },
  });
}
