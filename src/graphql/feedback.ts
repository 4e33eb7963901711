/** Feedback on answers: giving it, and whether it is taken. */
import { parseConversationId } from '../conversations/conversation-id.ts';
import { submitFeedback } from '../feedback/submit-feedback.ts';
import type { Feedback, FeedbackCategory } from '../types/feedback.ts';
import { describe } from './enums.ts';
import { parseId } from './ids.ts';
import type { Parts } from './parts.ts';

export function declareFeedback(parts: Parts): void {
  declareSubmission(parts);
  declareStatus(parts);
}

function declareCategory({ builder }: Parts) {
  return builder.enumType('FeedbackCategory', {
    description: 'What is wrong with an answer.',
    values: describe<FeedbackCategory>({
      INCORRECT: 'It is wrong.',
      NOT_RELEVANT: 'It does not answer the question.',
      INCOMPLETE: 'It answers only a part of the question.',
      OUTDATED_INFORMATION: 'It was true once.',
      UNSAFE: 'It is harmful or dangerous to follow.',
      OTHER: 'Something that has no category here.',
    }),
  });
}

type Category = ReturnType<typeof declareCategory>;

function declareInput({ builder }: Parts, category: Category) {
  return builder.inputType('SubmitFeedbackInput', {
    description:
      'Feedback on an answer in a conversation of the viewer. At least one of `sentiment`, `text` and `categories` is there.',
    fields: (t) => ({
      conversationId: t.id({ required: true, description: 'The conversation.' }),
      turnId: t.id({ description: 'The turn that gave the answer, if it is known.' }),
      question: t.string({ required: true, description: 'The question as it was asked.' }),
      answer: t.string({ required: true, description: 'The answer as it was shown.' }),
      sentiment: t.int({ description: 'Either -1 for a bad answer or 1 for a good one.' }),
      text: t.string({ description: 'What the viewer says of it, up to 4,096 characters.' }),
      categories: t.field({ type: [category], description: 'What is wrong with the answer.' }),
    }),
  });
}

function declareFeedbackType({ builder }: Parts, category: Category) {
  return builder.objectRef<Feedback>('Feedback').implement({
    description: 'Feedback of a viewer on an answer.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'Its id.' }),
      conversationId: t.exposeID('conversationId', { description: 'The conversation of the answer.' }),
      turnId: t.exposeID('turnId', { nullable: true, description: 'The turn that gave the answer.' }),
      sentiment: t.exposeInt('sentiment', {
        nullable: true,
        description: 'Either -1 for a bad answer or 1 for a good one.',
      }),
      text: t.exposeString('text', { nullable: true, description: 'What the viewer says of it.' }),
      categories: t.field({
        type: [category],
        description: 'What is wrong with the answer, each once.',
        resolve: ({ categories }) => [...categories],
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was taken.' }),
    }),
  });
}

function declareSubmission(parts: Parts): void {
  const { builder } = parts;
  const category = declareCategory(parts);
  const input = declareInput(parts, category);
  const feedback = declareFeedbackType(parts, category);
  const payload = builder.objectRef<{ readonly feedback: Feedback }>('SubmitFeedbackPayload').implement({
    description: 'The feedback that was taken.',
    fields: (t) => ({
      feedback: t.expose('feedback', { type: feedback, description: 'The feedback as it is stored.' }),
    }),
  });
  builder.mutationField('submitFeedback', (t) =>
    t.field({
      type: payload,
      description: "Says what the viewer thinks of an answer in one of the viewer's own conversations.",
      authScopes: { action: 'FEEDBACK' },
      args: { input: t.arg({ type: input, required: true, description: 'The feedback.' }) },
      resolve: async (_root, { input: given }, { services, viewer }) => ({
        feedback: await submitFeedback(services, viewer, {
          conversationId: parseConversationId(given.conversationId),
          turnId: given.turnId ? parseId(given.turnId, 'turn') : undefined,
          question: given.question,
          answer: given.answer,
          sentiment: given.sentiment ?? undefined,
          text: given.text ?? undefined,
          categories: given.categories ?? undefined,
        }),
      }),
    }),
  );
}

interface FeedbackStatus {
  readonly enabled: boolean;
}

function declareStatus({ builder }: Parts): void {
  const status = builder.objectRef<FeedbackStatus>('FeedbackStatus').implement({
    description: 'Whether feedback is taken.',
    fields: (t) => ({
      enabled: t.exposeBoolean('enabled', { description: 'True: it is taken.' }),
    }),
  });
  const input = builder.inputType('SetFeedbackEnabledInput', {
    description: 'Whether feedback is to be taken.',
    fields: (t) => ({
      enabled: t.boolean({ required: true, description: 'True: it is taken from now on.' }),
    }),
  });
  const payload = builder
    .objectRef<{ readonly feedbackStatus: FeedbackStatus }>('SetFeedbackEnabledPayload')
    .implement({
      description: 'Whether feedback is taken now.',
      fields: (t) => ({
        feedbackStatus: t.expose('feedbackStatus', { type: status, description: 'The status as it is now.' }),
      }),
    });
  builder.queryField('feedbackStatus', (t) =>
    t.field({
      type: status,
      description: 'Whether feedback is taken; a switch on another node is seen within 5 seconds.',
      authScopes: { action: 'FEEDBACK' },
      resolve: async (_root, _args, { services }) => ({ enabled: await services.feedbackSwitch.isEnabled() }),
    }),
  );
  builder.mutationField('setFeedbackEnabled', (t) =>
    t.field({
      type: payload,
      description: 'Switches feedback on or off, on all nodes and beyond restarts.',
      authScopes: { action: 'ADMIN' },
      args: { input: t.arg({ type: input, required: true, description: 'On or off.' }) },
      resolve: async (_root, { input: { enabled } }, { services }) => {
        await services.feedbackSwitch.setEnabled(enabled);
        return { feedbackStatus: { enabled } };
      },
    }),
  );
}
