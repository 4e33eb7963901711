/** The mutations that start, await and stop turns. */
import { AppError } from '../errors.ts';
import type { CancelOutcome, StartedTurn } from '../turns/engine.ts';
import type { Turn } from '../types/turn.ts';
import type { GraphQLContext } from './context.ts';
import { parseId } from './ids.ts';
import type { Parts } from './parts.ts';
import { onDisconnectField, type QuestionFields, type QuestionInput, toStartTurnInput } from './question.ts';

/** Below the minute after which proxies commonly give a request up. */
const MAX_WAIT_MS = 55_000;

export function declareTurnMutations(parts: Parts, questionFields: QuestionFields): void {
  declareStartTurn(parts, questionFields);
  declareBlockingQuery(parts, questionFields);
  declareCancelTurn(parts);
}

function declareStartTurn(parts: Parts, questionFields: QuestionFields): void {
  const { builder } = parts;
  const input = builder.inputType('StartTurnInput', {
    description: 'A question whose answer is followed separately.',
    fields: (t) => ({ ...questionFields(t), onDisconnect: onDisconnectField(parts, t) }),
  });
  const payload = declareStartedPayload(parts, {
    name: 'StartTurnPayload',
    description: 'The turn of a question.',
    turn: 'The turn, most often RUNNING. Follow it with `turnEvents`.',
  });
  builder.mutationField('startTurn', (t) =>
    t.field({
      type: payload,
      description:
        'Asks a question and returns its turn as soon as it is accepted, to follow with `turnEvents`.',
      authScopes: { action: 'STREAMING_QUERY' },
      args: { input: t.arg({ type: input, required: true, description: 'The question.' }) },
      resolve: (_root, args, context) =>
        context.services.engine.start(context.viewer, toStartTurnInput(args.input, context)),
    }),
  );
}

function declareBlockingQuery(parts: Parts, questionFields: QuestionFields): void {
  const { builder } = parts;
  const input = builder.inputType('QueryInput', {
    description: 'A question whose answer is waited for.',
    fields: (t) => ({
      ...questionFields(t),
      waitMs: t.int({
        description: `The longest wait for the answer in milliseconds, 0 to ${MAX_WAIT_MS}, which is the default.`,
      }),
    }),
  });
  const payload = declareStartedPayload(parts, {
    name: 'QueryPayload',
    description: 'The turn of a question, ended or not.',
    turn: 'The turn with its answer; RUNNING with the text so far when it did not end within `waitMs`. It goes on.',
  });
  builder.mutationField('query', (t) =>
    t.field({
      type: payload,
      description: 'Asks a question and waits for its answer, for clients that cannot subscribe.',
      authScopes: { action: 'QUERY' },
      args: { input: t.arg({ type: input, required: true, description: 'The question.' }) },
      resolve: (_root, args, context) => askAndWait(args.input, context),
    }),
  );
}

async function askAndWait(
  input: QuestionInput & { readonly waitMs?: number | null | undefined },
  context: GraphQLContext,
): Promise<StartedTurn> {
  const { services, viewer } = context;
  const waitMs = input.waitMs ?? MAX_WAIT_MS;
  if (waitMs < 0 || waitMs > MAX_WAIT_MS) {
    throw new AppError('BAD_USER_INPUT', `waitMs must be 0 to ${MAX_WAIT_MS}, not ${waitMs}`);
  }
  const { turn, created } = await services.engine.start(viewer, toStartTurnInput(input, context));
  return { turn: await services.engine.wait(viewer, turn.id, waitMs), created };
}

function declareStartedPayload(
  { builder, enums, turn }: Parts,
  texts: { readonly name: string; readonly description: string; readonly turn: string },
) {
  return builder.objectRef<StartedTurn>(texts.name).implement({
    description: texts.description,
    fields: (t) => ({
      turn: t.expose('turn', { type: turn, description: texts.turn }),
      outcome: t.field({
        type: enums.startOutcome,
        description: 'Whether the question was new.',
        resolve: ({ created }) => (created ? 'ACCEPTED' : 'ATTACHED'),
      }),
    }),
  });
}

interface CancelledTurn {
  readonly turn: Turn;
  readonly outcome: CancelOutcome;
}

function declareCancelTurn({ builder, enums, turn }: Parts): void {
  const input = builder.inputType('CancelTurnInput', {
    description: 'The turn to stop.',
    fields: (t) => ({ turnId: t.id({ required: true, description: 'The turn.' }) }),
  });
  const payload = builder.objectRef<CancelledTurn>('CancelTurnPayload').implement({
    description: 'The turn after its cancellation.',
    fields: (t) => ({
      turn: t.expose('turn', { type: turn, description: 'The turn, ended, with the text it had.' }),
      outcome: t.expose('outcome', { type: enums.cancelOutcome, description: 'What the cancellation did.' }),
    }),
  });
  builder.mutationField('cancelTurn', (t) =>
    t.field({
      type: payload,
      description:
        'Stops a turn, on whichever node it runs, and returns it when it has ended; its followers receive an ' +
        'InterruptedEvent. NOT_FOUND when there is none that the viewer may stop.',
      authScopes: { action: 'STREAMING_QUERY' },
      args: { input: t.arg({ type: input, required: true, description: 'The turn to stop.' }) },
      resolve: (_root, args, { services, viewer }) =>
        services.engine.cancel(viewer, parseId(args.input.turnId, 'turn')),
    }),
  );
}
