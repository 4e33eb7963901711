/** The subscription that keeps several clients of one viewer alike. What changes conversations lives elsewhere. */
import type { ConversationUpdate, ResyncReason } from '../conversations/feed.ts';
import { isAppError } from '../errors.ts';
import type { Turn } from '../types/turn.ts';
import type { GraphQLContext } from './context.ts';
import { describe } from './enums.ts';
import { toEventIterator } from './event-iterator.ts';
import type { Parts } from './parts.ts';

type Update<Kind extends ConversationUpdate['kind']> = Extract<ConversationUpdate, { readonly kind: Kind }>;

const MEMBERS: Readonly<Record<ConversationUpdate['kind'], string>> = {
  CONVERSATION_UPSERT: 'ConversationUpsert',
  CONVERSATION_REMOVED: 'ConversationRemoved',
  TURN_CHANGED: 'TurnChanged',
  RESYNC: 'ResyncEvent',
};

export function declareConversationUpdates(parts: Parts): void {
  const { builder } = parts;
  const update = builder.unionType('ConversationUpdate', {
    description:
      "Something that changed in the viewer's conversations. More members may come: ignore those you do not know.",
    types: [declareUpsert(parts), declareRemoved(parts), declareTurnChanged(parts), declareResync(parts)],
    resolveType: ({ kind }) => MEMBERS[kind],
  });
  builder.subscriptionField('conversationUpdates', (t) =>
    t.field({
      type: update,
      description:
        "What changes in the viewer's own conversations from now on, on whatever node and by whichever client. The " +
        'first event is a ResyncEvent: read the list then, and again at each later one. Events name what changed and ' +
        'may come twice; what they load is as it is by then.',
      authScopes: { action: 'LIST_CONVERSATIONS' },
      subscribe: async (_root, _args, context) => followConversations(context),
      resolve: (event) => event,
    }),
  );
}

const CONVERSATION_ID = 'The conversation.';

function declareUpsert({ builder, conversation, loadersOf }: Parts) {
  return builder.objectRef<Update<'CONVERSATION_UPSERT'>>('ConversationUpsert').implement({
    description: 'A conversation was begun, renamed, or spoken in.',
    fields: (t) => ({
      conversationId: t.exposeID('conversationId', { description: CONVERSATION_ID }),
      conversation: t.field({
        type: conversation,
        nullable: true,
        description: 'As it is now; null when it is gone by now.',
        resolve: ({ conversationId }, _args, context) => loadersOf(context).conversation.load(conversationId),
      }),
    }),
  });
}

function declareRemoved({ builder }: Parts) {
  return builder.objectRef<Update<'CONVERSATION_REMOVED'>>('ConversationRemoved').implement({
    description: 'A conversation was deleted, with everything that was said in it.',
    fields: (t) => ({
      conversationId: t.exposeID('conversationId', { description: 'The conversation that is gone.' }),
    }),
  });
}

function declareTurnChanged({ builder, turn }: Parts) {
  return builder.objectRef<Update<'TURN_CHANGED'>>('TurnChanged').implement({
    description: 'A turn has started or ended. What it says meanwhile is followed by `turnEvents`.',
    fields: (t) => ({
      conversationId: t.exposeID('conversationId', { description: CONVERSATION_ID }),
      turnId: t.exposeID('turnId', { description: 'The turn.' }),
      turn: t.field({
        type: turn,
        nullable: true,
        description: 'As it is now; null when its conversation is gone by now. Needs GET_CONVERSATION.',
        authScopes: { action: 'GET_CONVERSATION' },
        resolve: ({ turnId }, _args, context) => findTurn(context, turnId),
      }),
    }),
  });
}

function declareResync({ builder }: Parts) {
  const reason = builder.enumType('ResyncReason', {
    description: 'Why to read the conversations anew.',
    values: describe<ResyncReason>({
      SUBSCRIBED: 'The subscription has just begun.',
      MISSED:
        'Something may have been missed: the connection to the database was lost, or the client too slow.',
    }),
  });
  return builder.objectRef<Update<'RESYNC'>>('ResyncEvent').implement({
    description: 'Read the conversations anew: what happened before this event is not told.',
    fields: (t) => ({
      reason: t.expose('reason', { type: reason, description: 'Why.' }),
    }),
  });
}

async function findTurn({ services, viewer }: GraphQLContext, turnId: string): Promise<Turn | null> {
  try {
    return await services.engine.get(viewer, turnId);
  } catch (error) {
    if (isAppError(error, 'NOT_FOUND')) return null;
    throw error;
  }
}

function followConversations({
  services,
  viewer,
  signal,
}: GraphQLContext): AsyncIterableIterator<ConversationUpdate> {
  const controller = new AbortController();
  const stop = (): void => {
    signal.removeEventListener('abort', stop);
    controller.abort();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  return toEventIterator(services.conversationFeed.follow(viewer.id, controller.signal), stop);
}
