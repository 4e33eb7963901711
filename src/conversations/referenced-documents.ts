/** Which documents the answers in conversations refer to, how often and how recently. By turn is the turn engine's. */
import type { Viewer } from '../types/viewer.ts';
import { type ConversationDeps, getConversation, ownerFor } from './conversations.ts';
import * as store from './store.ts';

/**
 * Latest use first, at most `limit`: of the viewer's own conversations, or of one conversation that they may read.
 * Throws BAD_USER_INPUT or NOT_FOUND for the conversation.
 */
export async function listReferencedDocuments(
  deps: ConversationDeps,
  viewer: Viewer,
  page: store.DocumentUsePage,
): Promise<readonly store.DocumentUse[]> {
  if (page.conversationId === undefined) {
    return deps.database.asViewer(viewer, (tx) => store.listDocumentUses(tx, viewer.id, page));
  }
  const { id, ownerId } = await getConversation(deps, viewer, page.conversationId);
  return deps.database.asViewer(viewer, (tx) =>
    store.listDocumentUses(tx, ownerId, { ...page, conversationId: id }),
  );
}

/** The latest uses in each conversation that the viewer may read, at most `limit` of each. For batched loading. */
export async function listDocumentsByConversation(
  deps: ConversationDeps,
  viewer: Viewer,
  wanted: { readonly conversationIds: readonly string[]; readonly limit: number },
): Promise<ReadonlyMap<string, readonly store.DocumentUse[]>> {
  const owner = ownerFor(deps, viewer, 'READ_OTHERS_CONVERSATIONS');
  const uses = await deps.database.asViewer(viewer, (tx) =>
    store.listDocumentUsesByConversation(tx, owner, wanted),
  );
  return Map.groupBy(uses, (use) => use.conversationId);
}
