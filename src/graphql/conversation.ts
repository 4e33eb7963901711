/** The Conversation type and the queries that read conversations. What changes them lives in conversation-mutations.ts. */
import { z } from 'zod';
import { getConversation, listConversations } from '../conversations/conversations.ts';
import type { Conversation } from '../types/conversation.ts';
import type { Turn } from '../types/turn.ts';
import {
  declareConnection,
  type PlaceFormat,
  pageArgs,
  placeMoment,
  placeText,
  toConnection,
} from './connections.ts';
import type { Parts } from './parts.ts';

const conversationPlace: PlaceFormat<Conversation, Pick<Conversation, 'lastMessageAt' | 'id'>> = {
  toValues: ({ lastMessageAt, id }) => [lastMessageAt.getTime(), id],
  values: z.tuple([placeMoment, placeText]).transform(([lastMessageAt, id]) => ({ lastMessageAt, id })),
};

const turnPlace: PlaceFormat<Turn, Pick<Turn, 'startedAt' | 'id'>> = {
  toValues: ({ startedAt, id }) => [startedAt.getTime(), id],
  values: z.tuple([placeMoment, z.uuid()]).transform(([startedAt, id]) => ({ startedAt, id })),
};

export function declareConversation(parts: Parts): void {
  declareConversationType(parts);
  declareConversationTurns(parts);
  declareConversationQueries(parts);
}

function declareConversationType({ conversation }: Parts): void {
  conversation.implement({
    description: 'The turns of one viewer on one subject.',
    fields: (t) => ({
      id: t.exposeID('id', {
        description: 'A UUID, or 48 hex digits for a conversation that a backend named.',
      }),
      ownerId: t.exposeID('ownerId', { description: 'The viewer whose conversation it is.' }),
      topicSummary: t.exposeString('topicSummary', {
        nullable: true,
        description: 'What it is about, in a few words; null until there is a summary.',
      }),
      createdAt: t.expose('createdAt', {
        type: 'DateTime',
        description: 'When its first question was asked.',
      }),
      lastMessageAt: t.expose('lastMessageAt', {
        type: 'DateTime',
        description: 'When its last question was asked or answered.',
      }),
      messageCount: t.exposeInt('messageCount', {
        description: 'Number of turns that ended with something to show.',
      }),
      lastUsedProvider: t.exposeString('lastUsedProvider', {
        nullable: true,
        description:
          'The backend that answered last; the next question goes to it too, unless it names another.',
      }),
      lastUsedModel: t.exposeString('lastUsedModel', {
        nullable: true,
        description: 'The model that answered last.',
      }),
    }),
  });
}

function declareConversationTurns({ builder, conversation, turn, pageInfo }: Parts): void {
  const connection = declareConnection(
    builder,
    { pageInfo, node: turn },
    { name: 'Turn', items: 'the turns of a conversation' },
  );
  builder.objectField(conversation, 'turns', (t) =>
    t.field({
      type: connection,
      description: 'Its turns, oldest first. Needs GET_CONVERSATION.',
      authScopes: { action: 'GET_CONVERSATION' },
      args: pageArgs(builder),
      resolve: ({ id }, args, { services, viewer }) =>
        toConnection(args, turnPlace, (page) =>
          services.engine.list(viewer, { conversationId: id, ...page }),
        ),
    }),
  );
}

function declareConversationQueries({ builder, conversation, pageInfo }: Parts): void {
  const connection = declareConnection(
    builder,
    { pageInfo, node: conversation },
    { name: 'Conversation', items: 'conversations' },
  );
  builder.queryField('conversations', (t) =>
    t.field({
      type: connection,
      description: "The viewer's conversations, the one with the latest message first.",
      authScopes: { action: 'LIST_CONVERSATIONS' },
      args: {
        ...pageArgs(builder),
        ofEveryone: t.arg.boolean({
          description: "Those of all viewers instead of one's own. Needs LIST_OTHERS_CONVERSATIONS.",
        }),
        ownerId: t.arg.id({
          description: "Those of this viewer instead of one's own. Needs LIST_OTHERS_CONVERSATIONS.",
        }),
      },
      resolve: (_root, { ofEveryone, ownerId, ...args }, { services, viewer }) =>
        toConnection(args, conversationPlace, (page) =>
          listConversations(services, viewer, {
            ...page,
            ofEveryone: ofEveryone ?? false,
            ownerId: ownerId ?? undefined,
          }),
        ),
    }),
  );
  builder.queryField('conversation', (t) =>
    t.field({
      type: conversation,
      nullable: true,
      description:
        'One conversation. Null, with the error NOT_FOUND, when there is none that the viewer may read.',
      authScopes: { action: 'GET_CONVERSATION' },
      args: { id: t.arg.id({ required: true, description: 'The conversation, with or without "conv_".' }) },
      resolve: (_root, { id }, { services, viewer }) => getConversation(services, viewer, id),
    }),
  );
}
