/** All SQL that finds out what was said before a turn, and who knows of it. What is made of that stands in history.ts. */
import { and, asc, desc, eq, inArray, ne, or, sql } from 'drizzle-orm';
import type { StoredHistory } from '../backend/choose-history.ts';
import type { WorkerTx } from '../db/client.ts';
import { conversations, turnAttachments, turns } from '../db/tables/conversations.ts';
import type { AttachmentType, Turn } from '../types/turn.ts';

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
  const past = await selectPastTurns(tx, turn, { limit: 1, unanswered: true });
  const { conversationId = null, provider = null, model = null } = row ?? {};
  const isKnown = conversationId !== null && provider !== null && model !== null;
  return {
    history: isKnown ? { conversationId, provider, model } : null,
    hasPast: conversationId !== null || past.turns.length > 0,
  };
}

export interface PastTurnsWanted {
  readonly limit: number;
  /** Also those that were interrupted before anything was answered. */
  readonly unanswered: boolean;
}

export interface PastTurns {
  /** Newest first. */
  readonly turns: readonly PastTurn[];
  /** How many there are beyond the limit. */
  readonly unread: number;
}

/** Ended turns of the conversation, but for the given one, that have something to tell; failed and blocked ones have not. */
export async function selectPastTurns(
  tx: WorkerTx,
  turn: Pick<Turn, 'conversationId'> & { readonly id: string | null },
  { limit, unanswered }: PastTurnsWanted,
): Promise<PastTurns> {
  const rows = await tx
    .select({
      id: turns.id,
      query: turns.query,
      answer: turns.answer,
      total: sql<number>`count(*) OVER ()`.mapWith(Number),
    })
    .from(turns)
    .where(
      and(
        eq(turns.conversationId, turn.conversationId),
        turn.id === null ? undefined : ne(turns.id, turn.id),
        inArray(turns.status, ['COMPLETED', 'INTERRUPTED']),
        sql`${turns.finishReason} IS DISTINCT FROM 'SHIELD_BLOCKED'`,
        unanswered ? undefined : or(eq(turns.status, 'COMPLETED'), ne(turns.answer, '')),
      ),
    )
    .orderBy(desc(turns.startedAt), desc(turns.id))
    .limit(limit);
  const attachments = await selectAttachments(
    tx,
    rows.map((row) => row.id),
  );
  const past = rows.map(({ id, query, answer }) => ({
    query,
    answer,
    attachments: attachments.get(id) ?? [],
  }));
  return { turns: past, unread: (rows[0]?.total ?? 0) - rows.length };
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
