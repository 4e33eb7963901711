/** What a viewer does with conversations: list, read, rename, delete. Their turns are the turn engine's. */
import { type Policy, requireAction } from '../auth/policy.ts';
import type { Database, ViewerTx } from '../db/client.ts';
import { AppError } from '../errors.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { isStorable } from '../lib/text.ts';
import type { Conversation } from '../types/conversation.ts';
import type { Viewer } from '../types/viewer.ts';
import type { Announcer } from './announcer.ts';
import { parseConversationId } from './conversation-id.ts';
import * as store from './store.ts';

export interface ConversationDeps {
  readonly database: Database;
  readonly policy: Policy;
}

/** What it takes to change conversations. */
export interface ConversationChangeDeps extends ConversationDeps {
  readonly announcer: Announcer;
  readonly jobs: Pick<Jobs, 'enqueue'>;
}

export interface ListConversationsInput extends store.ConversationPage {
  /** Everyone's instead of one's own; needs LIST_OTHERS_CONVERSATIONS. */
  readonly ofEveryone?: boolean | undefined;
}

const MAX_TOPIC_SUMMARY = 1000;

/** Newest first by (lastMessageAt, id), at most `limit`. Throws FORBIDDEN. */
export async function listConversations(
  deps: ConversationDeps,
  viewer: Viewer,
  input: ListConversationsInput,
): Promise<readonly Conversation[]> {
  if (input.ofEveryone) requireAction(deps.policy, viewer, 'LIST_OTHERS_CONVERSATIONS');
  const owner = input.ofEveryone ? null : viewer.id;
  return deps.database.asViewer(viewer, (tx) => store.listConversations(tx, owner, input));
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
  const owner = ownerFor(deps, viewer, 'READ_OTHERS_CONVERSATIONS');
  const found = await deps.database.asViewer(viewer, (tx) => store.findConversations(tx, owner, ids));
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
    store.updateTopicSummary(tx, viewer.id, { id, topicSummary }),
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
  const owner = ownerFor(deps, viewer, 'DELETE_OTHERS_CONVERSATIONS');
  const burial = await deps.database.asViewer(viewer, async (tx) => {
    const buried = await store.buryConversation(tx, owner, id);
    if (buried) await eraseContent(deps, tx, { owner, id });
    return buried;
  });
  if (!burial) return notFound(id);
  const { outcome, ownerId } = burial;
  if (outcome === 'DELETED') {
    deps.announcer.announce({ kind: 'CONVERSATION_REMOVED', ownerId, conversationId: id });
  }
  return { id, outcome };
}

/** Erases what has ended in a deleted conversation since it was deleted; does nothing to one that is not deleted. */
export async function eraseConversation(
  deps: ConversationChangeDeps,
  viewer: Viewer,
  id: string,
): Promise<void> {
  const owner = ownerFor(deps, viewer, 'DELETE_OTHERS_CONVERSATIONS');
  await deps.database.asViewer(viewer, (tx) => eraseContent(deps, tx, { owner, id }));
}

/** Here, and by a job at the backend: its own conversation may have begun only in a turn that still ran. */
async function eraseContent(
  deps: ConversationChangeDeps,
  tx: ViewerTx,
  { owner, id }: { readonly owner: store.Owner; readonly id: string },
): Promise<void> {
  await store.eraseEndedTurns(tx, owner, id);
  const kept = await store.findBackendConversation(tx, owner, id);
  if (!kept) return;
  const key = `${kept.provider}/${kept.backendConversationId}`;
  await deps.jobs.enqueue(tx, { name: 'delete-backend-conversation', payload: kept, key });
}

type OthersAction = 'READ_OTHERS_CONVERSATIONS' | 'DELETE_OTHERS_CONVERSATIONS';

/** Everyone's when the viewer holds the action, else their own. */
export function ownerFor(deps: ConversationDeps, viewer: Viewer, action: OthersAction): store.Owner {
  return deps.policy.can(viewer, action) ? null : viewer.id;
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

function notFound(id: string): never {
  throw new AppError('NOT_FOUND', 'Conversation not found', {
    details: { explanation: `Conversation with ID ${id} does not exist` },
  });
}
