/** All SQL that accepts and ends turns. Leases stand in lease-store.ts, what only reads in read-store.ts. */
import { and, eq, exists, isNull, sql } from 'drizzle-orm';
import type { HistoryKeeper } from '../backend/backend.ts';
import type { StoredHistory } from '../backend/choose-history.ts';
import type { ViewerTx, WorkerTx } from '../db/client.ts';
import { isInReach } from '../db/reach.ts';
import {
  conversations,
  toolCalls,
  turnAttachments,
  turnChunks,
  turnDocuments,
  turns,
} from '../db/tables/conversations.ts';
import { turnEventBatches } from '../db/tables/events.ts';
import type { TurnLease } from '../event-log/event-log.ts';
import type { RagChunk, ReferencedDocument } from '../types/document.ts';
import type { ToolCall, ToolResult } from '../types/tool-call.ts';
import type { Attachment, FinishReason, Turn, TurnStatus, TurnStop } from '../types/turn.ts';
import type { ErrorBody } from '../types/turn-event.ts';
import type { TurnUsage } from '../types/usage.ts';
import { fromNow } from './lease-store.ts';
import { toTurn } from './read-store.ts';

/** The backend's conversation does not know all that was said. Its id stays: it is still to be deleted with ours. */
const GIVEN_UP = { backendModel: null };

export async function insertConversation(tx: ViewerTx, id: string): Promise<void> {
  await tx.insert(conversations).values({ id, ownerId: tx.viewerId });
}

/**
 * Keeps the conversation from being deleted until the transaction ends, and tells whose it is; undefined when it is out of
 * reach or deleted. A turn whose history we tell is one that the backend's conversation will miss: that is then not taken
 * up again.
 */
export async function lockConversation(
  tx: ViewerTx,
  conversationId: string,
  history: HistoryKeeper,
): Promise<{ readonly ownerId: string } | undefined> {
  const rows = await tx
    .update(conversations)
    .set({ lastMessageAt: sql`now()`, ...(history === 'own' && GIVEN_UP) })
    .where(
      and(
        eq(conversations.id, conversationId),
        isNull(conversations.deletedAt),
        isInReach(tx, conversations.ownerId),
      ),
    )
    .returning({ ownerId: conversations.ownerId });
  return rows[0];
}

export type NewTurn = Pick<
  typeof turns.$inferInsert,
  | 'id'
  | 'conversationId'
  | 'idempotencyKey'
  | 'fingerprint'
  | 'request'
  | 'query'
  | 'provider'
  | 'model'
  | 'inputEstimate'
> & {
  readonly nodeId: string;
  readonly leaseMs: number;
  /** Milliseconds for which it goes on without followers; null: it does not stop for want of them. */
  readonly graceMs: number | null;
};

/** Undefined when the key is taken or a turn is running in the conversation: the two cannot be told apart here. */
export async function insertTurn(tx: ViewerTx, turn: NewTurn): Promise<Turn | undefined> {
  const { nodeId, leaseMs, graceMs, ...columns } = turn;
  const followedUntil = graceMs === null ? null : fromNow(graceMs);
  const rows = await tx
    .insert(turns)
    .values({
      ...columns,
      ownerId: tx.viewerId,
      status: 'RUNNING',
      leaseOwner: nodeId,
      leaseUntil: fromNow(leaseMs),
      followedUntil,
    })
    .onConflictDoNothing()
    .returning();
  return rows[0] && toTurn(rows[0]);
}

export async function insertAttachments(
  tx: ViewerTx,
  turnId: string,
  attachments: readonly Attachment[],
): Promise<void> {
  if (attachments.length === 0) return;
  const rows = attachments.map((part, ordinal) => ({ turnId, ordinal, ...toAttachmentColumns(part) }));
  await tx.insert(turnAttachments).values(rows);
}

/** Of an image the content is its base64. */
function toAttachmentColumns(part: Attachment) {
  const { contentType } = part;
  return part.kind === 'image'
    ? { attachmentType: 'image' as const, contentType, content: part.base64 }
    : { attachmentType: part.attachmentType, contentType, content: part.content };
}

/** Everything about a turn that is known only when it ends. */
export interface EndedTurn {
  readonly status: Exclude<TurnStatus, 'RUNNING'>;
  readonly answer: string;
  readonly finishReason: FinishReason | null;
  /** Set exactly when the status is INTERRUPTED. */
  readonly stop: TurnStop | null;
  readonly error: ErrorBody['error'] | null;
  readonly truncated: boolean;
  readonly usage: TurnUsage;
  readonly lastSeq: number;
  readonly documents: readonly ReferencedDocument[];
  readonly chunks: readonly RagChunk[];
  readonly toolCalls: readonly ToolCall[];
  readonly toolResults: readonly ToolResult[];
}

/** After these a backend that keeps the conversation knows the same as we: the answer is whole, or it was not asked. */
const SAME_HISTORY: ReadonlySet<FinishReason | null> = new Set(['STOP', 'REFUSAL', 'SHIELD_BLOCKED']);

/** Counts a turn that has just ended in its conversation. A backend that may know it otherwise than we is not relied on. */
export async function countTurn(
  tx: WorkerTx,
  turnId: string,
  { status, finishReason }: Pick<EndedTurn, 'status' | 'finishReason'>,
): Promise<void> {
  const isSame = status === 'COMPLETED' && SAME_HISTORY.has(finishReason);
  await tx.execute(sql`
    UPDATE conversation SET
      backend_model = CASE WHEN ${isSame} THEN backend_model END,
      last_message_at = now(),
      message_count = message_count + ${status === 'FAILED' ? 0 : 1},
      last_used_provider = CASE WHEN ${status === 'FAILED'} THEN last_used_provider ELSE turn.provider END,
      last_used_model = CASE WHEN ${status === 'FAILED'} THEN last_used_model ELSE turn.model END
    FROM turn
    WHERE turn.id = ${turnId} AND conversation.id = turn.conversation_id`);
}

/** Whose a turn was and who answered it: what happens after its end is about these. */
export type SealedTurn = Pick<Turn, 'id' | 'ownerId' | 'conversationId' | 'provider' | 'model'> & {
  /** Tokens of the input as estimated at acceptance; null when nothing was reserved for the turn. */
  readonly inputEstimate: number | null;
};

/** Seals the turn if the lease's fence still holds; undefined when a newer owner has it, or it has already ended. */
export async function endTurn(
  tx: WorkerTx,
  lease: TurnLease,
  ended: EndedTurn,
): Promise<SealedTurn | undefined> {
  const rows = await tx
    .update(turns)
    .set({
      status: ended.status,
      answer: ended.answer,
      finishReason: ended.finishReason,
      interruptReason: ended.stop?.reason ?? null,
      stopActor: ended.stop?.actor ?? null,
      error: ended.error,
      truncated: ended.truncated,
      ragChunkCount: ended.chunks.length,
      inputTokens: ended.usage.inputTokens,
      outputTokens: ended.usage.outputTokens,
      usageSource: ended.usage.source,
      lastSeq: ended.lastSeq,
      completedAt: sql`now()`,
      leaseOwner: null,
      leaseUntil: null,
      stopReason: null,
    })
    .where(and(eq(turns.id, lease.turnId), eq(turns.fence, lease.fence), eq(turns.status, 'RUNNING')))
    .returning({
      id: turns.id,
      ownerId: turns.ownerId,
      conversationId: turns.conversationId,
      provider: turns.provider,
      model: turns.model,
      inputEstimate: turns.inputEstimate,
    });
  return rows[0];
}

/** Remembers the backend's own conversation; null: it does not know all that was said. Does nothing for a turn that is another node's by now. */
export async function setBackendHistory(
  tx: WorkerTx,
  { id, fence, conversationId }: Pick<Turn, 'id' | 'fence' | 'conversationId'>,
  history: StoredHistory | null,
): Promise<void> {
  const opened = history && {
    backendConversationId: history.conversationId,
    backendProvider: history.provider,
    backendModel: history.model,
  };
  const held = tx
    .select({ id: turns.id })
    .from(turns)
    .where(and(eq(turns.id, id), eq(turns.fence, fence), eq(turns.status, 'RUNNING')));
  await tx
    .update(conversations)
    .set(opened ?? GIVEN_UP)
    .where(and(eq(conversations.id, conversationId), exists(held)));
}

/** Documents, chunks and tool calls of an ended turn. */
export async function insertTurnDetails(tx: WorkerTx, turnId: string, ended: EndedTurn): Promise<void> {
  const documents = ended.documents.map((document, ordinal) => ({ turnId, ordinal, ...document }));
  if (documents.length > 0) await tx.insert(turnDocuments).values(documents);
  const chunks = ended.chunks.map((chunk, ordinal) => ({ turnId, ordinal, ...chunk }));
  if (chunks.length > 0) await tx.insert(turnChunks).values(chunks);
  const results = new Map(ended.toolResults.map((result) => [result.toolCallId, result]));
  const calls = ended.toolCalls.map(({ toolCallId, name, args, kind }, ordinal) => {
    const { status, rawStatus, content, round } = results.get(toolCallId) ?? {};
    return { turnId, ordinal, toolCallId, name, args, kind, status, rawStatus, content, round };
  });
  if (calls.length > 0) await tx.insert(toolCalls).values(calls);
}

/** Takes the lock that acceptance takes first, too; false when the conversation is deleted, and nothing of the turn may be kept. */
export async function lockConversationOf(tx: WorkerTx, turnId: string): Promise<boolean> {
  const rows = await tx.execute<{ kept: boolean }>(sql`
    SELECT deleted_at IS NULL AS kept FROM conversation
    WHERE id = (SELECT conversation_id FROM turn WHERE id = ${turnId}) FOR NO KEY UPDATE`);
  return rows[0]?.kept ?? false;
}

/** Removes what was said in a turn whose conversation was deleted while it ran. The turn stays: its key is still spent. */
export async function eraseContent(tx: WorkerTx, turnId: string): Promise<void> {
  await tx.delete(turnEventBatches).where(eq(turnEventBatches.turnId, turnId));
  await tx.delete(turnAttachments).where(eq(turnAttachments.turnId, turnId));
  await tx.update(turns).set({ query: '', request: {} }).where(eq(turns.id, turnId));
}
