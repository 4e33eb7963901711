/** Batched loading: the same field of many objects in one read. Nothing is cached, for a subscription outlives what it read. */
import DataLoader from 'dataloader';
import { findConversations } from '../conversations/conversations.ts';
import { listDocumentsByConversation } from '../conversations/referenced-documents.ts';
import type { GraphQLContext } from './context.ts';

/** The documents of a conversation that are listed with it; all of them have their own connection. */
export const DOCUMENTS_PER_CONVERSATION = 100;

export type Loaders = ReturnType<typeof createLoaders>;

/** The loaders of an operation, made when it first asks for them. */
export function createLoaderSource(): (context: GraphQLContext) => Loaders {
  const loaders = new WeakMap<GraphQLContext, Loaders>();
  return (context) => {
    const known = loaders.get(context);
    if (known) return known;
    const created = createLoaders(context);
    loaders.set(context, created);
    return created;
  };
}

function createLoaders({ services, viewer }: GraphQLContext) {
  const { engine } = services;
  return {
    documentsOfTurn: batched((turnIds) => engine.listDocuments(viewer, turnIds), []),
    chunksOfTurn: batched((turnIds) => engine.listChunks(viewer, turnIds), []),
    toolCallsOfTurn: batched((turnIds) => engine.listToolCalls(viewer, turnIds), []),
    conversation: batched((ids) => findConversations(services, viewer, ids), null),
    documentsOfConversation: batched(
      (conversationIds) =>
        listDocumentsByConversation(services, viewer, { conversationIds, limit: DOCUMENTS_PER_CONVERSATION }),
      [],
    ),
  };
}

/** `absent` is what an id gives that the list leaves out. */
function batched<Value, Absent>(
  list: (ids: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  absent: Absent,
): DataLoader<string, Value | Absent> {
  return new DataLoader<string, Value | Absent>(
    async (ids) => {
      const found = await list([...new Set(ids)]);
      return ids.map((id) => found.get(id) ?? absent);
    },
    { cache: false },
  );
}
