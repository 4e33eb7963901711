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
import type { JsonObject } from '../types/json.ts';
import type { ToolCall, ToolResult } from '../types/tool-call.ts';
import type { Attachment, FinishReason, Turn, TurnStatus, TurnStop } from '../types/turn.ts';
import type { ErrorBody } from '../types/turn-event.ts';
import type { TurnUsage } from '../types/usage.ts';
import { fromNow } from './lease-store.ts';
import { toRecordedCalls } from './recorded-calls.ts';
import { toClientTurnId } from './request.ts';

/** The backend's conversation does not know all that was said. Its id stays: it is still to be deleted with ours. */
const GIVEN_UP = { backendModel: null };

export async function insertConversation(tx: ViewerTx, id: string): Promise<void> {
  await tx.execute(sql`INSERT INTO conversation (id, owner_id) VALUES (${id}, ${tx.viewerId})`);
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

export interface NewTurn extends Pick<Turn, 'id' | 'conversationId' | 'query' | 'provider' | 'model'> {
  readonly idempotencyKey: string | null;
  readonly fingerprint: string;
  readonly request: JsonObject;
  /** Tokens; undefined: nothing is reserved. */
  readonly inputEstimate: number | undefined;
  readonly nodeId: string;
  readonly leaseMs: number;
  /** Milliseconds for which it goes on without followers; null: it does not stop for want of them. */
  readonly graceMs: number | null;
}

/** What is known of a turn as it begins; the table's defaults say the same. */
const NOTHING_YET = {
  status: 'RUNNING',
  answer: '',
  finishReason: null,
  interruptReason: null,
  interruptedBy: null,
  error: null,
  truncated: false,
  ragChunkCount: 0,
  usage: { inputTokens: 0, outputTokens: 0, source: 'NONE' },
  completedAt: null,
  fence: 1,
  lastSeq: 0,
} as const satisfies Partial<Turn>;

/** Undefined when the key is taken or a turn is running in the conversation: the two cannot be told apart here. */
export async function insertTurn(tx: ViewerTx, turn: NewTurn): Promise<Turn | undefined> {
  const { id, conversationId, idempotencyKey, query, provider, model, graceMs } = turn;
  const ownerId = tx.viewerId;
  const followedUntil = graceMs === null ? null : fromNow(graceMs);
  const rows = await tx.execute<{ started_at: string }>(sql`
    INSERT INTO turn (id, owner_id, conversation_id, idempotency_key, fingerprint, request, status, query, provider, model,
      input_estimate, lease_owner, lease_until, followed_until)
    VALUES (${id}, ${ownerId}, ${conversationId}, ${idempotencyKey}, ${turn.fingerprint},
      ${JSON.stringify(turn.request)}::jsonb, 'RUNNING', ${query}, ${provider}, ${model},
      ${turn.inputEstimate ?? null}, ${turn.nodeId}, ${fromNow(turn.leaseMs)}, ${followedUntil})
    ON CONFLICT DO NOTHING
    RETURNING started_at`);
  const row = rows[0];
  return (
    row && {
      ...{ id, ownerId, conversationId, query, provider, model },
      ...NOTHING_YET,
      clientTurnId: toClientTurnId(idempotencyKey),
      startedAt: new Date(row.started_at),
      stopsUnfollowed: graceMs !== null,
    }
  );
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
  { turnId, fence }: TurnLease,
  ended: EndedTurn,
): Promise<SealedTurn | undefined> {
  const { stop, error, usage } = ended;
  const rows = await tx.execute<SealedRow>(sql`
    UPDATE turn SET
      status = ${ended.status}, answer = ${ended.answer}, finish_reason = ${ended.finishReason},
      interrupt_reason = ${stop?.reason ?? null}, stop_actor = ${stop?.actor ?? null},
      error = ${error && JSON.stringify(error)}::jsonb, truncated = ${ended.truncated},
      rag_chunk_count = ${ended.chunks.length}, input_tokens = ${usage.inputTokens},
      output_tokens = ${usage.outputTokens}, usage_source = ${usage.source}, last_seq = ${ended.lastSeq},
      completed_at = now(), lease_owner = NULL, lease_until = NULL, stop_reason = NULL
    WHERE id = ${turnId} AND fence = ${fence} AND status = 'RUNNING'
    RETURNING id, owner_id, conversation_id, provider, model, input_estimate`);
  return rows[0] && toSealedTurn(rows[0]);
}

type SealedRow = Readonly<
  Record<'id' | 'owner_id' | 'conversation_id' | 'provider' | 'model', string> & {
    input_estimate: string | null;
  }
>;

function toSealedTurn(row: SealedRow): SealedTurn {
  const { id, owner_id: ownerId, conversation_id: conversationId, provider, model } = row;
  const inputEstimate = row.input_estimate === null ? null : Number(row.input_estimate);
  return { id, ownerId, conversationId, provider, model, inputEstimate };
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

/** Documents, chunks, tool calls and their results of an ended turn. */
export async function insertTurnDetails(tx: WorkerTx, turnId: string, ended: EndedTurn): Promise<void> {
  const documents = ended.documents.map((document, ordinal) => ({ turnId, ordinal, ...document }));
  if (documents.length > 0) await tx.insert(turnDocuments).values(documents);
  const chunks = ended.chunks.map((chunk, ordinal) => ({ turnId, ordinal, ...chunk }));
  if (chunks.length > 0) await tx.insert(turnChunks).values(chunks);
  const recorded = toRecordedCalls(ended.toolCalls, ended.toolResults);
  const calls = recorded.map(({ call: { toolCallId, name, args, kind }, result }, ordinal) => {
    const { status, rawStatus, content, round } = result ?? {};
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
