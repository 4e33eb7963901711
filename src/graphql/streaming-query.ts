/** The subscriptions that follow a turn. What their events are lives in stream-event.ts. */

import { AppError } from '../errors.ts';
import { OVER } from '../lib/abort.ts';
import { parseCursor } from '../lib/cursor.ts';
import type { FollowTurnInput } from '../turns/engine.ts';
import type { TurnEvent } from '../types/turn-event.ts';
import type { GraphQLContext } from './context.ts';
import { toEventIterator } from './event-iterator.ts';
import { parseId } from './ids.ts';
import type { Parts } from './parts.ts';
import { onDisconnectField, type QuestionFields, type QuestionInput, toStartTurnInput } from './question.ts';
import type { StreamEventRef } from './stream-event.ts';

const MAX_INTERVAL_MS = 1000;

export function declareStreamingQuery(
  parts: Parts,
  streamEvent: StreamEventRef,
  questionFields: QuestionFields,
): void {
  const { builder } = parts;
  const streamingQueryInput = declareInput(parts, questionFields);
  builder.subscriptionType({
    description: 'Everything that is followed while it happens: over WebSocket, SSE or multipart responses.',
  });
  builder.subscriptionField('streamingQuery', (t) =>
    t.field({
      type: streamEvent,
      description:
        'Asks a question and follows its turn to the end. Sent again with the same `clientTurnId`, it attaches to ' +
        'the turn that is there. A refusal comes before the first event and as an error; afterwards a failure is an ' +
        'ErrorEvent. Leaving does not stop the turn, unless `onDisconnect` says so.',
      authScopes: { action: 'STREAMING_QUERY' },
      args: { input: t.arg({ type: streamingQueryInput, required: true, description: 'The question.' }) },
      subscribe: (_root, { input }, context) => subscribeToQuestion(input, context),
      resolve: (event) => event,
    }),
  );
  builder.subscriptionField('turnEvents', (t) =>
    t.field({
      type: streamEvent,
      description:
        'Follows a turn from its beginning or from a cursor: what has happened first, then what happens.',
      authScopes: { action: 'STREAMING_QUERY' },
      args: {
        turnId: t.arg.id({ required: true, description: 'The turn.' }),
        after: t.arg({ type: 'Cursor', description: 'Send only what comes behind this event of the turn.' }),
      },
      subscribe: (_root, { turnId, after }, context) =>
        follow(context, { turnId: parseId(turnId, 'turn'), after: after ?? undefined }),
      resolve: (event) => event,
    }),
  );
}

function declareInput(parts: Parts, questionFields: QuestionFields) {
  return parts.builder.inputType('StreamingQueryInput', {
    description: 'A question, and how its answer is followed.',
    fields: (t) => ({
      ...questionFields(t),
      onDisconnect: onDisconnectField(parts, t),
      after: t.field({
        type: 'Cursor',
        description:
          'For a client that sends its subscription again: send only what comes behind this event. Needs ' +
          '`clientTurnId`. Without effect when the turn is new.',
      }),
      minIntervalMs: t.int({
        description:
          'Merge deltas to at most one event in this many milliseconds, 0 to 1,000; 0, the default, merges none.',
      }),
    }),
  });
}

interface FollowedQuestion extends QuestionInput {
  readonly after?: string | null | undefined;
  readonly minIntervalMs?: number | null | undefined;
}

/** Settles when the turn is accepted or refused, so that a refusal is never an error in mid-stream. */
async function subscribeToQuestion(
  input: FollowedQuestion,
  context: GraphQLContext,
): Promise<AsyncIterableIterator<TurnEvent>> {
  const minIntervalMs = parseInterval(input.minIntervalMs);
  const after = parseAfter(input, context);
  const operationId = context.operationId ?? undefined;
  const question = { ...toStartTurnInput(input, context), operationId };
  const { turn, created } = await context.services.engine.start(context.viewer, question);
  const begin = created ? { begun: turn } : { after };
  return follow(context, { turnId: turn.id, minIntervalMs, ...begin });
}

async function follow(
  { services, viewer, signal }: GraphQLContext,
  input: FollowTurnInput,
): Promise<AsyncIterableIterator<TurnEvent>> {
  const controller = new AbortController();
  const stop = (): void => {
    signal.removeEventListener('abort', stop);
    controller.abort(OVER);
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return toEventIterator(await services.engine.follow(viewer, input, controller.signal), stop);
  } catch (error) {
    stop();
    throw error;
  }
}

function parseInterval(value: number | null | undefined): number {
  const interval = value ?? 0;
  if (interval >= 0 && interval <= MAX_INTERVAL_MS) return interval;
  throw new AppError('BAD_USER_INPUT', `minIntervalMs must be 0 to ${MAX_INTERVAL_MS}, not ${interval}`);
}

/** Looked at before the question is: a cursor that can belong to no turn must not start one. */
function parseAfter(input: FollowedQuestion, context: GraphQLContext): string | undefined {
  const after = input.after ?? undefined;
  if (after === undefined) return undefined;
  if (input.clientTurnId == null && context.operationId === null) {
    throw new AppError('BAD_USER_INPUT', 'clientTurnId must be specified if after is specified');
  }
  if (parseCursor(after)) return after;
  throw new AppError('CURSOR_INVALID', 'The cursor is not one of a turn');
}
