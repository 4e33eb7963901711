/** The Turn type with what belongs to it, and the query that reads one. */
import type { RecordedToolCall } from '../turns/engine.ts';
import type { RagChunk } from '../types/document.ts';
import type { TurnError } from '../types/turn.ts';
import { parseId } from './ids.ts';
import type { Parts } from './parts.ts';
import { untrustedLinks } from './untrusted-links.ts';

export function declareTurn(parts: Parts): void {
  declareUsage(parts);
  declareTurnType(parts);
  declareTurnOutcome(parts);
  declareTurnContents(parts);
  parts.builder.queryField('turn', (t) =>
    t.field({
      type: parts.turn,
      nullable: true,
      description:
        'One turn, running or ended. Null, with the error NOT_FOUND, when there is none that the viewer may read.',
      authScopes: { action: 'GET_CONVERSATION' },
      args: { id: t.arg.id({ required: true, description: 'The turn.' }) },
      resolve: (_root, { id }, { services, viewer }) => services.engine.get(viewer, parseId(id, 'turn')),
    }),
  );
}

function declareUsage({ enums, turnUsage }: Parts): void {
  turnUsage.implement({
    description: 'Tokens that a turn took.',
    fields: (t) => ({
      inputTokens: t.expose('inputTokens', {
        type: 'Count',
        description: 'Tokens that the model read, over all tool rounds.',
      }),
      outputTokens: t.expose('outputTokens', {
        type: 'Count',
        description: 'Tokens that the model wrote, reasoning included.',
      }),
      source: t.expose('source', { type: enums.usageSource, description: 'How the counts are known.' }),
    }),
  });
}

function declareTurnType({ enums, turn, turnUsage, conversation, loadersOf }: Parts): void {
  turn.implement({
    description:
      'One question until its outcome. It belongs to the server: it goes on when nobody follows it.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'A UUID.' }),
      conversationId: t.exposeID('conversationId', {
        description: 'The conversation that the turn is part of.',
      }),
      conversation: t.field({
        type: conversation,
        nullable: true,
        description: 'The conversation itself; null when it has been deleted.',
        resolve: (parent, _args, context) => loadersOf(context).conversation.load(parent.conversationId),
      }),
      clientTurnId: t.exposeString('clientTurnId', {
        nullable: true,
        description:
          'The idempotency key that the question came with; null without one, and once it is forgotten.',
      }),
      status: t.expose('status', { type: enums.turnStatus, description: 'How far the turn is.' }),
      query: t.exposeString('query', { description: 'The question.' }),
      answer: t.exposeString('answer', {
        description:
          'The answer. While the turn runs, and after a failure or an interruption: the text so far.',
      }),
      untrustedLinks: t.stringList(untrustedLinks),
      provider: t.exposeString('provider', { description: 'The backend that answers.' }),
      model: t.exposeString('model', { description: 'The model that answers, as its backend calls it.' }),
      usage: t.expose('usage', { type: turnUsage, description: 'Tokens that the turn took.' }),
      startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When the question was accepted.' }),
      completedAt: t.expose('completedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When the turn ended; null while it runs.',
      }),
    }),
  });
}

function declareTurnOutcome({ builder, enums, turn }: Parts): void {
  const turnError = declareTurnError(builder, enums);
  builder.objectFields(turn, (t) => ({
    finishReason: t.expose('finishReason', {
      type: enums.finishReason,
      nullable: true,
      description: 'Why the model stopped; only when COMPLETED.',
    }),
    interruptReason: t.expose('interruptReason', {
      type: enums.interruptReason,
      nullable: true,
      description: 'Why the turn was stopped; only when INTERRUPTED.',
    }),
    interruptedBy: t.exposeID('interruptedBy', {
      nullable: true,
      description:
        'The id of the viewer who stopped the turn: who cancelled it, asked the question that superseded it, or deleted ' +
        'its conversation. Null when it was not stopped, or the server did so by itself.',
    }),
    error: t.expose('error', {
      type: turnError,
      nullable: true,
      description: 'What went wrong; only when FAILED.',
    }),
    truncated: t.exposeBoolean('truncated', { description: 'Whether the answer was cut off by a limit.' }),
    ragChunkCount: t.exposeInt('ragChunkCount', { description: 'Number of retrieved passages.' }),
  }));
}

function declareTurnError(builder: Parts['builder'], enums: Parts['enums']) {
  return builder.objectRef<TurnError>('TurnError').implement({
    description: 'Why a turn failed.',
    fields: (t) => ({
      code: t.expose('code', { type: enums.errorCode, description: 'What went wrong.' }),
      message: t.exposeString('message', { description: 'What went wrong, in a sentence for people.' }),
      cause: t.exposeString('cause', { nullable: true, description: 'More about it, where more is known.' }),
      retryable: t.exposeBoolean('retryable', {
        description: 'Whether the same question, under a new `clientTurnId`, may succeed.',
      }),
      retryAfterMs: t.exposeInt('retryAfterMs', {
        nullable: true,
        description: 'Milliseconds to wait before that, at most 300,000.',
      }),
      resetAt: t.expose('resetAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When the quota that was exceeded is refilled.',
      }),
      requestId: t.exposeID('requestId', { description: "Finds the failure in the server's log." }),
    }),
  });
}

function declareTurnContents({ builder, enums, turn, referencedDocument, loadersOf }: Parts): void {
  const chunk = declareChunk(builder);
  const toolCall = declareToolCall(builder, enums);
  referencedDocument.implement({
    description: 'A document that an answer refers to. It has a title, a URL, or both.',
    fields: (t) => ({
      title: t.exposeString('title', { nullable: true, description: 'Its title or file name.' }),
      url: t.expose('url', { type: 'URL', nullable: true, description: 'Where it can be read.' }),
    }),
  });
  builder.objectFields(turn, (t) => ({
    referencedDocuments: t.field({
      type: [referencedDocument],
      description: 'Documents that the answer refers to, in order of appearance; empty while the turn runs.',
      resolve: ({ id }, _args, context) => loadersOf(context).documentsOfTurn.load(id),
    }),
    chunks: t.field({
      type: [chunk],
      description: 'Passages that were retrieved for the answer, in the order of the backend.',
      resolve: ({ id }, _args, context) => loadersOf(context).chunksOfTurn.load(id),
    }),
    toolCalls: t.field({
      type: [toolCall],
      description: 'Calls of tools with their results, in order.',
      resolve: ({ id }, _args, context) => loadersOf(context).toolCallsOfTurn.load(id),
    }),
  }));
}

function declareChunk(builder: Parts['builder']) {
  return builder.objectRef<RagChunk>('RagChunk').implement({
    description: 'A passage that was retrieved for an answer.',
    fields: (t) => ({
      content: t.exposeString('content', { description: 'Its text.' }),
      source: t.exposeString('source', {
        nullable: true,
        description: 'The file or document that it is from.',
      }),
      score: t.exposeFloat('score', {
        nullable: true,
        description: "How well it matches, by the backend's own measure; higher is better.",
      }),
    }),
  });
}

function declareToolCall(builder: Parts['builder'], enums: Parts['enums']) {
  const result = builder.objectRef<NonNullable<RecordedToolCall['result']>>('ToolResult').implement({
    description: 'What came of a tool call.',
    fields: (t) => ({
      status: t.expose('status', { type: enums.toolStatus, description: 'How the call ended.' }),
      rawStatus: t.exposeString('rawStatus', { description: "The backend's own word for the status." }),
      content: t.exposeString('content', {
        description: 'What the tool returned; empty when it returned nothing.',
      }),
      round: t.exposeInt('round', { description: 'The tool round of the turn, from 1.' }),
    }),
  });
  return builder.objectRef<RecordedToolCall>('ToolCall').implement({
    description: 'A tool that was called while a question was answered.',
    fields: (t) => ({
      toolCallId: t.id({
        description: "The backend's id of the call.",
        resolve: ({ call }) => call.toolCallId,
      }),
      name: t.string({
        description:
          'Name of the tool; empty when an earlier turn made the call, and this one has its result.',
        resolve: ({ call }) => call.name,
      }),
      args: t.field({ type: 'JSON', description: 'Its arguments.', resolve: ({ call }) => call.args }),
      kind: t.field({
        type: enums.toolKind,
        description: 'What sort of tool it is.',
        resolve: ({ call }) => call.kind,
      }),
      result: t.expose('result', {
        type: result,
        nullable: true,
        description: 'What came of it; null without a result.',
      }),
    }),
  });
}
