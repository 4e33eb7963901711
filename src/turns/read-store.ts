/** All SQL that reads turns and what belongs to them. What changes them stands in store.ts. */
import { and, asc, desc, eq, inArray, isNull, ne, type SQL, sql } from 'drizzle-orm';
import type { StoredHistory } from '../backend/choose-history.ts';
import type { AnyTx, ViewerTx, WorkerTx } from '../db/client.ts';
import {
  conversations,
  toolCalls,
  turnAttachments,
  turnChunks,
  turnDocuments,
  turns,
} from '../db/tables/conversations.ts';
import type { TurnLease } from '../event-log/event-log.ts';
import type { RagChunk, ReferencedDocument } from '../types/document.ts';
import type { AttachmentType, Turn, TurnError } from '../types/turn.ts';
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
    error: toTurnError(row.error),
    truncated,
    ragChunkCount,
    usage: { inputTokens: row.inputTokens, outputTokens: row.outputTokens, source: row.usageSource },
    startedAt,
    completedAt,
    fence,
    lastSeq,
  };
}

/** Owned by the viewer (or by anyone, with `ownerId` null), and not in a deleted conversation. */
function visible(ownerId: string | null): SQL | undefined {
  return and(isNull(conversations.deletedAt), ownerId === null ? undefined : eq(turns.ownerId, ownerId));
}

export interface VisibleTurns {
  /** Null: turns of every viewer. */
  readonly ownerId: string | null;
}

export async function selectTurn(
  tx: AnyTx,
  turnId: string,
  { ownerId }: VisibleTurns,
): Promise<Turn | undefined> {
  const rows = await tx
    .select({ turn: turns })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(eq(turns.id, turnId), visible(ownerId)));
  return rows[0] && toTurn(rows[0].turn);
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

export async function selectTurnByKey(
  tx: ViewerTx,
  ownerId: string,
  key: string,
): Promise<KeyedTurn | undefined> {
  const rows = await tx
    .select()
    .from(turns)
    .where(and(eq(turns.ownerId, ownerId), eq(turns.idempotencyKey, key)));
  return rows[0] && { turn: toTurn(rows[0]), fingerprint: rows[0].fingerprint };
}

export async function selectRunningTurn(tx: AnyTx, conversationId: string): Promise<Turn | undefined> {
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

export async function selectTurnsPage(
  tx: AnyTx,
  page: TurnPage,
  { ownerId }: VisibleTurns,
): Promise<readonly Turn[]> {
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
    .where(and(eq(turns.conversationId, page.conversationId), visible(ownerId), beyond))
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
    .where(and(eq(conversations.id, id), isNull(conversations.deletedAt)));
  return rows[0];
}

/** One earlier question with its answer, as the backend is to see it. */
export interface PastTurn {
  readonly query: string;
  readonly answer: string;
  /** Images are only named: their content is not sent again. */
  readonly attachments: readonly {
    readonly attachmentType: AttachmentType;
    readonly content: string | null;
  }[];
}

export interface BackendHistory {
  readonly history: StoredHistory | null;
  /** Whether anything was said before this turn, or a conversation of the backend's was given up. */
  readonly hasPast: boolean;
}

/** What is known of the backend's own conversation, as of now. */
export async function selectBackendHistory(tx: WorkerTx, turn: Turn): Promise<BackendHistory> {
  const [row] = await tx
    .select({
      conversationId: conversations.backendConversationId,
      provider: conversations.backendProvider,
      model: conversations.backendModel,
    })
    .from(conversations)
    .where(eq(conversations.id, turn.conversationId));
  const past = await selectPastTurns(tx, turn, 1);
  const { conversationId = null, provider = null, model = null } = row ?? {};
  const isKnown = conversationId !== null && provider !== null && model !== null;
  return {
    history: isKnown ? { conversationId, provider, model } : null,
    hasPast: conversationId !== null || past.length > 0,
  };
}

/** Ended turns of the conversation that have something to tell, newest first; failed and blocked ones have not. */
export async function selectPastTurns(tx: WorkerTx, turn: Turn, limit: number): Promise<readonly PastTurn[]> {
  const rows = await tx
    .select({ id: turns.id, query: turns.query, answer: turns.answer })
    .from(turns)
    .where(
      and(
        eq(turns.conversationId, turn.conversationId),
        ne(turns.id, turn.id),
        inArray(turns.status, ['COMPLETED', 'INTERRUPTED']),
        sql`${turns.finishReason} IS DISTINCT FROM 'SHIELD_BLOCKED'`,
      ),
    )
    .orderBy(desc(turns.startedAt), desc(turns.id))
    .limit(limit);
  const attachments = await selectAttachments(
    tx,
    rows.map((row) => row.id),
  );
  return rows.map(({ id, ...past }) => ({ ...past, attachments: attachments.get(id) ?? [] }));
}

type AttachmentRow = PastTurn['attachments'][number] & { readonly turnId: string };

async function selectAttachments(
  tx: WorkerTx,
  turnIds: readonly string[],
): Promise<ReadonlyMap<string, readonly AttachmentRow[]>> {
  if (turnIds.length === 0) return new Map();
  const rows = await tx
    .select({
      turnId: turnAttachments.turnId,
      attachmentType: turnAttachments.attachmentType,
      content: sql<
        string | null
      >`CASE WHEN ${turnAttachments.attachmentType} <> 'image' THEN ${turnAttachments.content} END`,
    })
    .from(turnAttachments)
    .where(inArray(turnAttachments.turnId, [...turnIds]))
    .orderBy(asc(turnAttachments.turnId), asc(turnAttachments.ordinal));
  return Map.groupBy(rows, (row) => row.turnId);
}

/** Referenced documents in order of appearance, by turn. */
export async function selectDocuments(
  tx: AnyTx,
  turnIds: readonly string[],
  { ownerId }: VisibleTurns,
): Promise<ReadonlyMap<string, readonly ReferencedDocument[]>> {
  const rows = await tx
    .select({ turnId: turnDocuments.turnId, title: turnDocuments.title, url: turnDocuments.url })
    .from(turnDocuments)
    .innerJoin(turns, eq(turns.id, turnDocuments.turnId))
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(inArray(turnDocuments.turnId, [...turnIds]), visible(ownerId)))
    .orderBy(asc(turnDocuments.ordinal));
  return Map.groupBy(rows, (row) => row.turnId);
}

export async function selectChunks(
  tx: AnyTx,
  turnIds: readonly string[],
  { ownerId }: VisibleTurns,
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
    .where(and(inArray(turnChunks.turnId, [...turnIds]), visible(ownerId)))
    .orderBy(asc(turnChunks.ordinal));
  return Map.groupBy(rows, (row) => row.turnId);
}

export async function selectToolCalls(
  tx: AnyTx,
  turnIds: readonly string[],
  { ownerId }: VisibleTurns,
): Promise<ReadonlyMap<string, readonly RecordedToolCall[]>> {
  const rows = await tx
    .select({ row: toolCalls })
    .from(toolCalls)
    .innerJoin(turns, eq(turns.id, toolCalls.turnId))
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(inArray(toolCalls.turnId, [...turnIds]), visible(ownerId)))
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
