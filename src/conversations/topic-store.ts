/** All SQL of topic summaries: which turn asks for one, what it needs, and keeping it. */
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { WorkerTx } from '../db/client.ts';
import { conversations, turns } from '../db/tables/conversations.ts';

/**
 * Whether the turn, which has ended, is the first of its conversation with something to show, wants a topic summary, and
 * there is none. What a shield blocked has not been shown to a model, and is not now.
 */
export async function wantsTopicSummary(tx: WorkerTx, turnId: string): Promise<boolean> {
  const rows = await tx.execute<{ wanted: boolean }>(sql`
    WITH shown AS (
      SELECT turn.id, turn.started_at FROM turn
      WHERE turn.conversation_id = (SELECT conversation_id FROM turn WHERE id = ${turnId})
        AND (turn.status = 'COMPLETED' OR (turn.status = 'INTERRUPTED' AND turn.answer <> ''))
      ORDER BY turn.started_at, turn.id LIMIT 1
    )
    SELECT true AS wanted FROM turn
    JOIN shown ON shown.id = turn.id
    JOIN conversation ON conversation.id = turn.conversation_id
    WHERE turn.id = ${turnId}
      AND turn.finish_reason IS DISTINCT FROM 'SHIELD_BLOCKED'
      AND coalesce((turn.request ->> 'generateTopicSummary')::boolean, false)
      AND conversation.topic_summary IS NULL AND conversation.deleted_at IS NULL`);
  return rows.length > 0;
}

export interface Topic {
  readonly conversationId: string;
  readonly ownerId: string;
  readonly query: string;
  readonly provider: string;
  readonly model: string;
}

/** What a summary of the turn's conversation is made of; undefined when it has one by now, or is deleted. */
export async function findTopic(tx: WorkerTx, turnId: string): Promise<Topic | undefined> {
  const [topic] = await tx
    .select({
      conversationId: turns.conversationId,
      ownerId: conversations.ownerId,
      query: turns.query,
      provider: turns.provider,
      model: turns.model,
    })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(eq(turns.id, turnId), isNull(conversations.topicSummary), isNull(conversations.deletedAt)));
  return topic;
}

/** Whose the conversation is by now: nobody's, when its owner has deleted all that was theirs. */
export async function selectOwner(tx: WorkerTx, conversationId: string): Promise<string> {
  const [row] = await tx
    .select({ ownerId: conversations.ownerId })
    .from(conversations)
    .where(eq(conversations.id, conversationId))
    .for('share');
  return row?.ownerId ?? '';
}

/** False when the conversation has a summary by now, which stays, or is deleted. */
export async function setTopicSummary(
  tx: WorkerTx,
  conversationId: string,
  topicSummary: string,
): Promise<boolean> {
  const rows = await tx
    .update(conversations)
    .set({ topicSummary })
    .where(
      and(
        eq(conversations.id, conversationId),
        isNull(conversations.topicSummary),
        isNull(conversations.deletedAt),
      ),
    )
    .returning({ id: conversations.id });
  return rows.length > 0;
}
