/** The mutations that rename and delete conversations. */
import { deleteConversation, eraseConversation, renameConversation } from '../conversations/conversations.ts';
import type { Conversation } from '../types/conversation.ts';
import type { GraphQLContext } from './context.ts';
import { describe } from './enums.ts';
import type { Parts } from './parts.ts';

export function declareConversationMutations(parts: Parts): void {
  declareRename(parts);
  declareDelete(parts);
}

function declareRename({ builder, conversation }: Parts): void {
  const input = builder.inputType('RenameConversationInput', {
    description: 'A new name for a conversation.',
    fields: (t) => ({
      conversationId: t.id({ required: true, description: 'The conversation.' }),
      topicSummary: t.string({ required: true, description: 'What it is about: 1 to 1,000 characters.' }),
    }),
  });
  const payload = builder
    .objectRef<{ readonly conversation: Conversation }>('RenameConversationPayload')
    .implement({
      description: 'The renamed conversation.',
      fields: (t) => ({
        conversation: t.expose('conversation', {
          type: conversation,
          description: 'The conversation as it is now.',
        }),
      }),
    });
  builder.mutationField('renameConversation', (t) =>
    t.field({
      type: payload,
      description: "Sets the topic summary of one of the viewer's conversations.",
      authScopes: { action: 'UPDATE_CONVERSATION' },
      args: {
        input: t.arg({ type: input, required: true, description: 'The conversation and its new name.' }),
      },
      resolve: async (_root, args, { services, viewer }) => ({
        conversation: await renameConversation(services, viewer, args.input),
      }),
    }),
  );
}

type Deletion = Awaited<ReturnType<typeof deleteConversation>>;

function declareDelete({ builder }: Parts): void {
  const outcome = builder.enumType('DeleteConversationOutcome', {
    description: 'What a deletion did.',
    values: describe<Deletion['outcome']>({
      DELETED: 'The conversation is gone.',
      ALREADY_DELETED: 'It had been deleted before.',
    }),
  });
  const input = builder.inputType('DeleteConversationInput', {
    description: 'The conversation to delete.',
    fields: (t) => ({ conversationId: t.id({ required: true, description: 'The conversation.' }) }),
  });
  const payload = builder.objectRef<Deletion>('DeleteConversationPayload').implement({
    description: 'What became of the conversation.',
    fields: (t) => ({
      conversationId: t.exposeID('id', { description: 'The conversation that is gone.' }),
      outcome: t.expose('outcome', { type: outcome, description: 'What the deletion did.' }),
    }),
  });
  builder.mutationField('deleteConversation', (t) =>
    t.field({
      type: payload,
      description:
        'Deletes a conversation with everything that was said in it. A turn that runs in it is stopped. NOT_FOUND ' +
        'when there never was one that the viewer may delete.',
      authScopes: { action: 'DELETE_CONVERSATION' },
      args: { input: t.arg({ type: input, required: true, description: 'The conversation to delete.' }) },
      resolve: (_root, args, context) => deleteWithTurns(args.input.conversationId, context),
    }),
  );
}

/** The tombstone comes first, so that no new turn begins; what ended because of it is erased after. Safe to repeat. */
async function deleteWithTurns(
  conversationId: string,
  { services, viewer }: GraphQLContext,
): Promise<Deletion> {
  const deletion = await deleteConversation(services, viewer, conversationId);
  await services.engine.interruptConversation(viewer, deletion.id, 'CONVERSATION_DELETED');
  await eraseConversation(services, deletion.id);
  return deletion;
}
