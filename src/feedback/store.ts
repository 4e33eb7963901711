/** All SQL of feedback and of the switch that turns it off. */
import { and, eq, isNull } from 'drizzle-orm';
import type { ViewerTx, WorkerTx } from '../db/client.ts';
import { isInReach } from '../db/reach.ts';
import { conversations, turns } from '../db/tables/conversations.ts';
import { feedback } from '../db/tables/feedback.ts';
import { settings } from '../db/tables/settings.ts';
import type { Feedback } from '../types/feedback.ts';

const ENABLED_KEY = 'feedback.enabled';

/** Whether the conversation is the viewer's and not deleted; if so, nobody deletes it before the transaction ends. */
export async function lockConversation(tx: ViewerTx, id: string): Promise<boolean> {
  const rows = await tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(
      and(isInReach(tx, conversations.ownerId), eq(conversations.id, id), isNull(conversations.deletedAt)),
    )
    .for('share');
  return rows.length > 0;
}

/** Whether the turn is one of the conversation, which the transaction has locked. */
export async function hasTurn(tx: ViewerTx, conversationId: string, turnId: string): Promise<boolean> {
  const rows = await tx
    .select({ id: turns.id })
    .from(turns)
    .where(and(eq(turns.id, turnId), eq(turns.conversationId, conversationId)));
  return rows.length > 0;
}

export async function insertFeedback(tx: ViewerTx, given: Omit<Feedback, 'createdAt'>): Promise<Feedback> {
  const [inserted] = await tx
    .insert(feedback)
    .values({ ...given, ownerId: tx.viewerId, categories: [...given.categories] })
    .returning({ createdAt: feedback.createdAt });
  if (inserted === undefined) throw new TypeError('An insert returns its row');
  return { ...given, ...inserted };
}

/** What an administrator has switched; undefined when nobody has. */
export async function selectEnabled(tx: WorkerTx): Promise<boolean | undefined> {
  const [row] = await tx.select().from(settings).where(eq(settings.key, ENABLED_KEY));
  return row && row.value === true;
}

export async function upsertEnabled(tx: WorkerTx, enabled: boolean): Promise<void> {
  await tx
    .insert(settings)
    .values({ key: ENABLED_KEY, value: enabled })
    .onConflictDoUpdate({ target: settings.key, set: { value: enabled } });
}
