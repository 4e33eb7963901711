/** Which documents the answers in conversations refer to, how often and how recently. By turn is the turn engine's. */

import { reachOthers } from '../auth/reach-others.ts';
import type { Viewer } from '../types/viewer.ts';
import { parseConversationId } from './conversation-id.ts';
import { type ConversationDeps, notFound, toTarget } from './conversations.ts';
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
    return deps.database.asViewer(viewer, (tx) => store.listDocumentUses(tx, page));
  }
  const conversationId = parseConversationId(page.conversationId);
  const found = await reachOthers(deps, viewer, {
    action: 'READ_OTHERS_CONVERSATIONS',
    run: async (tx) => {
      const [conversation] = await store.findConversations(tx, [conversationId]);
      return (
        conversation && { conversation, uses: await store.listDocumentUses(tx, { ...page, conversationId }) }
      );
    },
    targets: (read) => (read ? [toTarget(read.conversation)] : []),
  });
  return found?.uses ?? notFound(conversationId);
}

/** The latest uses in each conversation that the viewer may read, at most `limit` of each. For batched loading. */
export async function listDocumentsByConversation(
  deps: ConversationDeps,
  viewer: Viewer,
  wanted: { readonly conversationIds: readonly string[]; readonly limit: number },
): Promise<ReadonlyMap<string, readonly store.DocumentUse[]>> {
  const uses = await reachOthers(deps, viewer, {
    action: 'READ_OTHERS_CONVERSATIONS',
    run: (tx) => store.listDocumentUsesByConversation(tx, wanted),
    targets: (found) => {
      const owners = new Map(found.map(({ conversationId: id, ownerId }) => [id, ownerId]));
      return Array.from(owners, ([id, ownerId]) => toTarget({ id, ownerId }));
    },
  });
  return Map.groupBy(uses, (use) => use.conversationId);
}
