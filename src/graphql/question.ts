/** How a question comes in: the fields that all its inputs share. Every check of its values is the turn engine's. */
import type { AttachmentContent, AttachmentInput, StartTurnInput } from '../turns/engine.ts';
import type { Builder, ResolvedTypes } from './builder.ts';
import type { GraphQLContext } from './context.ts';
import type { Parts } from './parts.ts';

type InputBuilder = PothosSchemaTypes.InputFieldBuilder<ResolvedTypes, 'InputObject'>;
export type QuestionFields = ReturnType<typeof declareQuestion>;

/** Absent and null mean the same to a client. */
type Nullable<T> = { readonly [Key in keyof T]: T[Key] | (undefined extends T[Key] ? null : never) };
/** One of the fields is there: the schema says so. */
interface ContentFields {
  readonly text?: string | null | undefined;
  readonly base64?: string | null | undefined;
  readonly uploadId?: string | null | undefined;
}
type AttachmentFields = Omit<AttachmentInput, 'content'> & { readonly content: ContentFields };
export type QuestionInput = Nullable<
  Omit<StartTurnInput, 'operationId' | 'attachments'> & {
    readonly attachments?: readonly AttachmentFields[] | undefined;
  }
>;

/** A function that gives the fields of a question to an input type. */
export function declareQuestion({ builder, enums }: Parts) {
  const attachment = declareAttachment(builder);
  return (t: InputBuilder) => ({
    query: t.string({ required: true, description: 'The question: 1 to 32,768 characters.' }),
    conversationId: t.id({
      description:
        'The conversation to continue, a UUID or 48 hex digits, with or without "conv_"; absent: a new one.',
    }),
    provider: t.string({ description: 'The backend to ask; together with `model`. Needs MODEL_OVERRIDE.' }),
    model: t.string({
      description:
        'The model to ask; together with `provider`. Absent: what the conversation used last, else the configured ' +
        'one, else the first that the backends list.',
    }),
    systemPrompt: t.string({ description: 'Instructions to the model in place of the configured ones.' }),
    attachments: t.field({
      type: [attachment],
      description:
        'At most 10; inline ones together at most 512 KiB, uploaded ones together at most 20 MiB. Texts follow the ' +
        'question, in order, and images follow the texts. Later questions of the conversation send the texts ' +
        'again, and of an image only that it was there.',
    }),
    noTools: t.boolean({
      description: 'True: the backend gets no tools at all, so nothing is searched. False by default.',
    }),
    vectorStoreIds: t.idList({
      description:
        'Search exactly these stores; an empty list searches none. Absent: all stores that the backend is known to ' +
        'have. The imported documents are the store "local".',
    }),
    shieldIds: t.idList({
      description:
        'Let only these shields judge the question. Absent: every configured shield. An empty list, too, needs ' +
        'SHIELD_OVERRIDE.',
    }),
    generateTopicSummary: t.boolean({
      description: 'Name a new conversation after its question; true by default.',
    }),
    clientTurnId: t.string({
      description:
        'Makes sending the same question again safe: up to 255 characters, chosen by the client, kept for at least 24 hours ' +
        'after the turn. The same key with the same question is the same turn; with another question it is refused ' +
        'with IDEMPOTENCY_CONFLICT.',
    }),
    whenBusy: t.field({
      type: enums.busyPolicy,
      description: 'What to do when a turn already runs in the conversation; REJECT by default.',
    }),
  });
}

/** The field of inputs whose turn can be followed. */
export function onDisconnectField({ enums }: Parts, t: InputBuilder) {
  return t.field({
    type: enums.disconnectPolicy,
    description: 'What becomes of the turn when nobody follows it any more; CONTINUE by default.',
  });
}

/** What the turn engine is asked. */
export function toStartTurnInput(
  input: QuestionInput,
  { credentials }: Pick<GraphQLContext, 'credentials'>,
): StartTurnInput {
  return {
    credentials,
    query: input.query,
    conversationId: input.conversationId ?? undefined,
    provider: input.provider ?? undefined,
    model: input.model ?? undefined,
    systemPrompt: input.systemPrompt ?? undefined,
    attachments: input.attachments?.map((part) => ({ ...part, content: toContent(part.content) })),
    noTools: input.noTools ?? undefined,
    vectorStoreIds: input.vectorStoreIds?.map(String),
    shieldIds: input.shieldIds?.map(String),
    generateTopicSummary: input.generateTopicSummary ?? undefined,
    clientTurnId: input.clientTurnId ?? undefined,
    onDisconnect: input.onDisconnect ?? undefined,
    whenBusy: input.whenBusy ?? undefined,
  };
}

function toContent({ text, base64, uploadId }: ContentFields): AttachmentContent {
  if (typeof text === 'string') return { text };
  if (typeof base64 === 'string') return { base64 };
  return { uploadId: String(uploadId) };
}

function declareAttachment(builder: Builder) {
  const content = builder.inputType('AttachmentContent', {
    description: 'What is in an attachment, or where it is.',
    isOneOf: true,
    fields: (t) => ({
      text: t.string({ description: 'A text, passed on as it is.' }),
      base64: t.string({ description: 'An image in base64.' }),
      uploadId: t.id({
        description:
          'A text or an image that was sent to `POST /uploads` as the same media type, within the hour.',
      }),
    }),
  });
  return builder.inputType('AttachmentInput', {
    description: 'A text or an image that belongs to a question.',
    fields: (t) => ({
      attachmentType: t.string({
        required: true,
        description:
          'What it is: "alert", "api object", "configuration", "error message", "event", "log" or "stack trace"; or ' +
          '"image".',
      }),
      contentType: t.string({
        required: true,
        description:
          'Its media type: "text/plain", "application/json", "application/yaml" or "application/xml"; of an image ' +
          '"image/png" or "image/jpeg".',
      }),
      content: t.field({ type: content, required: true, description: 'What is in it.' }),
    }),
  });
}
