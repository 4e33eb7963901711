/** All SQL that reads turns and what belongs to them. What changes them stands in store.ts. */
import { and, asc, desc, eq, inArray, isNotNull, isNull, type SQL, sql } from 'drizzle-orm';
import type { AnyTx, ViewerTx, WorkerTx } from '../db/client.ts';
import { isInReach } from '../db/reach.ts';
import { conversations, toolCalls, turnChunks, turnDocuments, turns } from '../db/tables/conversations.ts';
import type { TurnLease } from '../event-log/event-log.ts';
import type { RagChunk, ReferencedDocument } from '../types/document.ts';
import type { Turn, TurnError } from '../types/turn.ts';
import type { ErrorBody } from '../types/turn-event.ts';
import type { RecordedToolCall, TurnPage } from './engine.ts';
import { toClientTurnId } from './request.ts';

type TurnRow = typeof turns.$inferSelect;

function toTurnError(error: ErrorBody['error'] | null): TurnError | null {
  return error && { ...error, resetAt: error.resetAt === null ? null : new Date(error.resetAt) };
}

export function toTurn(row: TurnRow): Turn {
  const { id, ownerId, conversationId, status, query, provider, model, answer, fence, lastSeq } = row;
  const { finishReason, interruptReason, truncated, ragChunkCount, startedAt, completedAt } = row;
  return {
    id,
    ownerId,
    conversationId,
    clientTurnId: toClientTurnId(row.idempotencyKey),
    status,
    query,
    provider,
    model,
    answer,
    finishReason,
    interruptReason,
    // Also asked for when the turn then ended otherwise: that was not an interruption.
    interruptedBy: interruptReason && row.stopActor,
    error: toTurnError(row.error),
    truncated,
    ragChunkCount,
    usage: { inputTokens: row.inputTokens, outputTokens: row.outputTokens, source: row.usageSource },
    startedAt,
    completedAt,
    stopsUnfollowed: row.followedUntil !== null,
    fence,
    lastSeq,
  };
}

/** In reach as the viewer's own or in a conversation of theirs, and not in a deleted conversation. */
function isVisible(tx: AnyTx): SQL | undefined {
  return and(isNull(conversations.deletedAt), isInReach(tx, turns.ownerId, conversations.ownerId));
}

export interface FoundTurn {
  readonly turn: Turn;
  /** To whom it is shown beside who asked. */
  readonly conversationOwnerId: string;
}

export async function selectTurn(tx: AnyTx, turnId: string): Promise<FoundTurn | undefined> {
  const rows = await tx
    .select({ turn: turns, conversationOwnerId: conversations.ownerId })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(eq(turns.id, turnId), isVisible(tx)));
  return rows[0] && { ...rows[0], turn: toTurn(rows[0].turn) };
}

/** A turn whose conversation was deleted, with nothing of what was said in it. Whoever asks was given its events. */
export async function selectDeleted(tx: WorkerTx, turnId: string): Promise<Turn | undefined> {
  const rows = await tx
    .select({ turn: turns })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(eq(turns.id, turnId), isNotNull(conversations.deletedAt)));
  return rows[0] && { ...toTurn(rows[0].turn), query: '', answer: '' };
}

/** Any turn, also in a deleted conversation: for the server's own work, never to be shown. */
export async function selectStored(tx: WorkerTx, turnId: string): Promise<Turn | undefined> {
  const rows = await tx.select().from(turns).where(eq(turns.id, turnId));
  return rows[0] && toTurn(rows[0]);
}

export interface KeyedTurn {
  readonly turn: Turn;
  readonly fingerprint: string;
}

/**
 * Keys are the viewer's own, whatever else the transaction reaches. Every question with a key asks this, and nearly every
 * one is new: the row is looked for before it is read, in a statement that is cheap to make.
 */
export async function selectTurnByKey(tx: ViewerTx, key: string): Promise<KeyedTurn | undefined> {
  const [found] = await tx.execute<{ id: string }>(
    sql`SELECT id FROM turn WHERE owner_id = ${tx.viewerId} AND idempotency_key = ${key}`,
  );
  if (!found) return undefined;
  const rows = await tx
    .select()
    .from(turns)
    .where(and(eq(turns.id, found.id), eq(turns.ownerId, tx.viewerId)));
  return rows[0] && { turn: toTurn(rows[0]), fingerprint: rows[0].fingerprint };
}

/** For those who have looked at whose conversation it is. */
export async function selectRunningTurn(tx: WorkerTx, conversationId: string): Promise<Turn | undefined> {
  const rows = await tx
    .select()
    .from(turns)
    .where(and(eq(turns.conversationId, conversationId), eq(turns.status, 'RUNNING')));
  return rows[0] && toTurn(rows[0]);
}

/** Whether it was this lease's writer that ended the turn. */
export async function wasEndedBy(tx: WorkerTx, lease: TurnLease, lastSeq: number): Promise<boolean> {
  const rows = await tx
    .select({ id: turns.id })
    .from(turns)
    .where(and(eq(turns.id, lease.turnId), eq(turns.fence, lease.fence), eq(turns.lastSeq, lastSeq)));
  return rows.length > 0;
}

export async function selectTurnsPage(tx: AnyTx, page: TurnPage): Promise<readonly Turn[]> {
  const { after, reverse = false } = page;
  const order = reverse ? desc : asc;
  const beyond = after
    ? sql`(${turns.startedAt}, ${turns.id}) ${reverse ? sql`<` : sql`>`}
          (${after.startedAt.toISOString()}::timestamptz, ${after.id}::uuid)`
    : undefined;
  const rows = await tx
    .select({ turn: turns })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(eq(turns.conversationId, page.conversationId), isVisible(tx), beyond))
    .orderBy(order(turns.startedAt), order(turns.id))
    .limit(page.limit);
  return rows.map((row) => toTurn(row.turn));
}

export interface ConversationFacts {
  readonly id: string;
  readonly ownerId: string;
  readonly lastUsedProvider: string | null;
  readonly lastUsedModel: string | null;
}

export async function selectConversation(tx: AnyTx, id: string): Promise<ConversationFacts | undefined> {
  const rows = await tx
    .select({
      id: conversations.id,
      ownerId: conversations.ownerId,
      lastUsedProvider: conversations.lastUsedProvider,
      lastUsedModel: conversations.lastUsedModel,
    })
    .from(conversations)
    .where(
      and(eq(conversations.id, id), isNull(conversations.deletedAt), isInReach(tx, conversations.ownerId)),
    );
  return rows[0];
}

/** Referenced documents in order of appearance, by turn. */
export async function selectDocuments(
  tx: AnyTx,
  turnIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ReferencedDocument[]>> {
  const rows = await tx
    .select({ turnId: turnDocuments.turnId, title: turnDocuments.title, url: turnDocuments.url })
    .from(turnDocuments)
    .innerJoin(turns, eq(turns.id, turnDocuments.turnId))
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(inArray(turnDocuments.turnId, [...turnIds]), isVisible(tx)))
    .orderBy(asc(turnDocuments.ordinal));
  return Map.groupBy(rows, (row) => row.turnId);
}

export async function selectChunks(
  tx: AnyTx,
  turnIds: readonly string[],
): Promise<ReadonlyMap<string, readonly RagChunk[]>> {
  const rows = await tx
    .select({
      turnId: turnChunks.turnId,
      content: turnChunks.content,
      source: turnChunks.source,
      score: turnChunks.score,
    })
    .from(turnChunks)
    .innerJoin(turns, eq(turns.id, turnChunks.turnId))
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(inArray(turnChunks.turnId, [...turnIds]), isVisible(tx)))
    .orderBy(asc(turnChunks.ordinal));
  return Map.groupBy(rows, (row) => row.turnId);
}

export async function selectToolCalls(
  tx: AnyTx,
  turnIds: readonly string[],
): Promise<ReadonlyMap<string, readonly RecordedToolCall[]>> {
  const rows = await tx
    .select({ row: toolCalls })
    .from(toolCalls)
    .innerJoin(turns, eq(turns.id, toolCalls.turnId))
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(inArray(toolCalls.turnId, [...turnIds]), isVisible(tx)))
    .orderBy(asc(toolCalls.ordinal));
  const byTurn = Map.groupBy(rows, ({ row }) => row.turnId);
  return new Map([...byTurn].map(([turnId, group]) => [turnId, group.map(({ row }) => toRecordedCall(row))]));
}

function toRecordedCall(row: typeof toolCalls.$inferSelect): RecordedToolCall {
  const { toolCallId, name, args, kind, status, rawStatus, content, round } = row;
  return {
    call: { toolCallId, name, args, kind },
    result:
      status === null
        ? null
        : { toolCallId, kind, status, rawStatus: rawStatus ?? '', content: content ?? '', round: round ?? 1 },
  };
}
