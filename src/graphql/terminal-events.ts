/** The events of which exactly one ends a turn. */
import type { Quota } from '../types/quota.ts';
import type { TurnEvent } from '../types/turn-event.ts';
import type { GraphQLContext } from './context.ts';
import type { Parts } from './parts.ts';
import { getTurn, type TurnEventRef, toMemberRef } from './turn-event.ts';

export function declareEnd(parts: Parts, turnEvent: TurnEventRef) {
  const quota = declareAvailableQuota(parts);
  return toMemberRef(parts.builder, 'end').implement({
    description: 'The answer is saved, with everything that belongs to it. The last event of the turn.',
    interfaces: [turnEvent],
    fields: (t) => ({
      turn: t.field({ type: parts.turn, description: 'The turn as it was saved.', resolve: getTurn }),
      referencedDocuments: t.expose('referencedDocuments', {
        type: [parts.referencedDocument],
        description: 'Documents that the answer refers to, in order of appearance.',
      }),
      ragChunkCount: t.exposeInt('ragChunkCount', { description: 'Number of retrieved passages.' }),
      truncated: t.exposeBoolean('truncated', { description: 'Whether the answer was cut off by a limit.' }),
      finishReason: t.expose('finishReason', {
        type: parts.enums.finishReason,
        description: 'Why the model stopped.',
      }),
      usage: t.expose('usage', { type: parts.turnUsage, description: 'Tokens that the turn took.' }),
      availableQuotas: t.field({
        type: [quota],
        description:
          'What is left to the owner of the turn, by limiter; empty when the server has no limiters.',
        resolve: listAvailable,
      }),
    }),
  });
}

/** As of now, which is also what a replay gets. Others than the owner learn nothing of it. */
async function listAvailable(event: TurnEvent, args: object, context: GraphQLContext): Promise<Quota[]> {
  const { quotas } = context.services;
  if (!quotas.isLimited) return [];
  const { ownerId } = await getTurn(event, args, context);
  return ownerId === context.viewer.id ? [...(await quotas.list(context.viewer))] : [];
}

function declareAvailableQuota({ builder, enums }: Parts) {
  return builder.objectRef<Quota>('AvailableQuota').implement({
    description: 'What is left of a quota.',
    fields: (t) => ({
      limiter: t.exposeString('limiter', { description: 'Name of the limiter, from the configuration.' }),
      subject: t.expose('subject', { type: enums.quotaSubject, description: 'Whose balance it is.' }),
      available: t.expose('available', { type: 'Count', description: 'Tokens that may still be used.' }),
    }),
  });
}

export function declareError(parts: Parts, turnEvent: TurnEventRef) {
  return toMemberRef(parts.builder, 'error').implement({
    description: 'The turn failed. The last event of the turn.',
    interfaces: [turnEvent],
    fields: (t) => ({
      turn: t.field({ type: parts.turn, description: 'The turn as it was saved.', resolve: getTurn }),
      code: t.field({
        type: parts.enums.errorCode,
        description: 'What went wrong.',
        resolve: ({ error }) => error.code,
      }),
      message: t.string({
        description: 'What went wrong, in a sentence for people.',
        resolve: ({ error }) => error.message,
      }),
      cause: t.string({
        nullable: true,
        description: 'More about it, where more is known.',
        resolve: ({ error }) => error.cause,
      }),
      retryable: t.boolean({
        description: 'Whether the same question, under a new `clientTurnId`, may succeed.',
        resolve: ({ error }) => error.retryable,
      }),
      retryAfterMs: t.int({
        nullable: true,
        description: 'Milliseconds to wait before that, at most 300,000.',
        resolve: ({ error }) => error.retryAfterMs,
      }),
      resetAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When the quota that was exceeded is refilled.',
        resolve: ({ error }) => (error.resetAt === null ? null : new Date(error.resetAt)),
      }),
      requestId: t.id({
        description: "Finds the failure in the server's log.",
        resolve: ({ error }) => error.requestId,
      }),
      usage: t.expose('usage', {
        type: parts.turnUsage,
        description: 'Tokens that the turn took until then.',
      }),
    }),
  });
}

export function declareInterrupted(parts: Parts, turnEvent: TurnEventRef) {
  return toMemberRef(parts.builder, 'interrupted').implement({
    description: 'The turn was stopped before its end, and what it had is saved. The last event of the turn.',
    interfaces: [turnEvent],
    fields: (t) => ({
      turn: t.field({ type: parts.turn, description: 'The turn as it was saved.', resolve: getTurn }),
      reason: t.expose('reason', { type: parts.enums.interruptReason, description: 'Why it was stopped.' }),
      answer: t.exposeString('answer', { description: 'The answer as far as it had come.' }),
      usage: t.expose('usage', {
        type: parts.turnUsage,
        description: 'Tokens that the turn took until then.',
      }),
    }),
  });
}
