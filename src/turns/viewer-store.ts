/** All SQL that deletes what belongs to a viewer, across the domains. In which order, and what else it takes, stands in delete-viewer.ts. */
import { and, asc, count, eq, inArray, isNotNull, isNull, lte, ne, sql } from 'drizzle-orm';
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
import { feedback } from '../db/tables/feedback.ts';
import { uploads } from '../db/tables/uploads.ts';

export interface Buried {
  readonly conversationIds: readonly string[];
  /** How many turns there were in these conversations. */
  readonly turns: number;
  readonly uploads: number;
  readonly feedback: number;
}

/** The owner of what is kept without the person: no viewer has this id. */
const NOBODY = '';

/** Hides every conversation of the viewer for good, and deletes what they uploaded and said of answers. */
export async function buryEverything(tx: ViewerTx): Promise<Buried> {
  const buried = tx.$with('buried').as(
    tx
      .update(conversations)
      .set({ deletedAt: sql`now()`, topicSummary: null })
      .where(and(isInReach(tx, conversations.ownerId), isNull(conversations.deletedAt)))
      .returning({ id: conversations.id }),
  );
  const hidden = await tx
    .with(buried)
    .select({ id: buried.id, turns: count(turns.id) })
    .from(buried)
    .leftJoin(turns, eq(turns.conversationId, buried.id))
    .groupBy(buried.id);
  const gone = {
    uploads: await tx.delete(uploads).where(isInReach(tx, uploads.ownerId)).returning({ id: uploads.id }),
    feedback: await tx.delete(feedback).where(isInReach(tx, feedback.ownerId)).returning({ id: feedback.id }),
  };
  return {
    conversationIds: hidden.map(({ id }) => id),
    turns: hidden.reduce((sum, conversation) => sum + conversation.turns, 0),
    uploads: gone.uploads.length,
    feedback: gone.feedback.length,
  };
}

/** The time by the database's clock as text, for a job to be told of. */
export async function selectNow(tx: ViewerTx): Promise<string> {
  const [row] = await tx.execute<{ now: string }>(sql`SELECT to_json(now()) #>> '{}' AS now`);
  if (row === undefined) throw new TypeError('Postgres knows the time');
  return row.now;
}

/** Deleted conversations that still name the viewer, oldest first. */
export async function selectTombstones(
  tx: WorkerTx,
  viewerId: string,
  limit: number,
): Promise<readonly string[]> {
  const rows = await tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(eq(conversations.ownerId, viewerId), isNotNull(conversations.deletedAt)))
    .orderBy(asc(conversations.createdAt))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** Takes the person out of a tombstone and its turns; false while a turn runs in it, which still needs to know whose it is. */
export async function forgetOwner(tx: WorkerTx, conversationId: string): Promise<boolean> {
  const rows = await tx
    .update(conversations)
    .set({ ownerId: NOBODY })
    .where(
      and(
        eq(conversations.id, conversationId),
        isNotNull(conversations.deletedAt),
        sql`NOT EXISTS (SELECT 1 FROM turn WHERE turn.conversation_id = ${conversations.id} AND turn.status = 'RUNNING')`,
      ),
    )
    .returning({ id: conversations.id });
  if (rows.length === 0) return false;
  await tx
    .update(turns)
    .set({ ownerId: NOBODY, idempotencyKey: null, fingerprint: '', stopActor: null })
    .where(eq(turns.conversationId, conversationId));
  return true;
}

/** Conversations of others in which a turn runs that the viewer asked by then. */
export async function selectRunningElsewhere(
  tx: WorkerTx,
  { viewerId, until }: { readonly viewerId: string; readonly until: string },
): Promise<readonly string[]> {
  const rows = await tx
    .select({ id: turns.conversationId })
    .from(turns)
    .where(and(eq(turns.ownerId, viewerId), eq(turns.status, 'RUNNING'), askedBy(until)));
  return rows.map(({ id }) => id);
}

const askedBy = (until: string) => lte(turns.startedAt, sql`${until}::timestamptz`);

/** Erases what the viewer asked by then in conversations of others, with the answers; that something was asked stays. */
export async function eraseElsewhere(
  tx: WorkerTx,
  { viewerId, until }: { readonly viewerId: string; readonly until: string },
): Promise<void> {
  const asked = tx
    .select({ id: turns.id })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(
      and(
        eq(turns.ownerId, viewerId),
        ne(conversations.ownerId, viewerId),
        ne(turns.status, 'RUNNING'),
        askedBy(until),
      ),
    );
  for (const table of [turnEventBatches, turnAttachments, turnDocuments, turnChunks, toolCalls]) {
    await tx.delete(table).where(inArray(table.turnId, asked));
  }
  await tx
    .update(turns)
    .set({
      query: '',
      answer: '',
      request: {},
      error: null,
      ownerId: NOBODY,
      idempotencyKey: null,
      fingerprint: '',
      stopActor: null,
    })
    .where(inArray(turns.id, asked));
}

/** Adds what the viewer spent to what nobody in particular spent: sums over all viewers stay as they are. */
export async function forgetSpender(tx: WorkerTx, viewerId: string): Promise<void> {
  await tx.execute(sql`
    WITH taken AS (DELETE FROM token_usage WHERE owner_id = ${viewerId} RETURNING *)
    INSERT INTO token_usage (owner_id, provider, model, kind, day, input_tokens, output_tokens)
    SELECT ${NOBODY}, provider, model, kind, day, input_tokens, output_tokens FROM taken
    ON CONFLICT (owner_id, day, provider, model, kind) DO UPDATE SET
      input_tokens = token_usage.input_tokens + excluded.input_tokens,
      output_tokens = token_usage.output_tokens + excluded.output_tokens`);
}
