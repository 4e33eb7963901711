/** All SQL of transcripts: one turn with everything that was said in it. */
import { and, asc, eq, isNull, ne } from 'drizzle-orm';
import type { WorkerTx } from '../db/client.ts';
import { conversations, toolCalls, turnAttachments, turnChunks, turns } from '../db/tables/conversations.ts';

export type RecordedTurn = NonNullable<Awaited<ReturnType<typeof selectRecordedTurn>>>;

/** Undefined while the turn runs, when there is none, and when its conversation is deleted. */
export async function selectRecordedTurn(tx: WorkerTx, turnId: string) {
  const [found] = await tx
    .select({ turn: turns })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(eq(turns.id, turnId), ne(turns.status, 'RUNNING'), isNull(conversations.deletedAt)));
  if (found === undefined) return undefined;
  return {
    ...found.turn,
    attachments: await tx
      .select()
      .from(turnAttachments)
      .where(eq(turnAttachments.turnId, turnId))
      .orderBy(asc(turnAttachments.ordinal)),
    chunks: await tx
      .select()
      .from(turnChunks)
      .where(eq(turnChunks.turnId, turnId))
      .orderBy(asc(turnChunks.ordinal)),
    toolCalls: await tx
      .select()
      .from(toolCalls)
      .where(eq(toolCalls.turnId, turnId))
      .orderBy(asc(toolCalls.ordinal)),
  };
}
