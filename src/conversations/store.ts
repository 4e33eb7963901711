/** All SQL of conversations. Deleted ones are invisible to every statement but the two that delete. */
import {
  and,
  asc,
  countDistinct,
  desc,
  eq,
  inArray,
  isNotNull,
  isNull,
  lte,
  max,
  ne,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { AnyTx, ViewerTx } from '../db/client.ts';
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
import type { Conversation } from '../types/conversation.ts';
import type { ReferencedDocument } from '../types/document.ts';

/** Newest first by (lastMessageAt, id). */
export interface ConversationPage {
  readonly limit: number;
  /** Start behind this place. */
  readonly after?: { readonly lastMessageAt: Date; readonly id: string } | undefined;
  /** Walk from the oldest to the newest; the result comes in walking order. */
  readonly reverse?: boolean | undefined;
  /** Only those of this owner, if the transaction reaches them. */
  readonly ownerId?: string | undefined;
}

/** A referenced document with how much the answers of ended turns refer to it. */
export interface DocumentUse extends ReferencedDocument {
  /** Number of turns that refer to it. */
  readonly turnCount: number;
  /** When the newest of those turns was asked. */
  readonly lastUsedAt: Date;
}

/** Where a document stands in the order: latest use first, then by URL and title. */
export type DocumentUsePlace = Omit<DocumentUse, 'turnCount'>;

export interface DocumentUsePage {
  readonly limit: number;
  readonly after?: DocumentUsePlace | undefined;
  /** Walk from the earliest use to the latest; the result comes in walking order. */
  readonly reverse?: boolean | undefined;
  /** Only what this conversation refers to. */
  readonly conversationId?: string | undefined;
}

export type Burial = 'DELETED' | 'ALREADY_DELETED';

const isMine = (tx: AnyTx): SQL | undefined => isInReach(tx, conversations.ownerId);

const COLUMNS = {
  id: conversations.id,
  ownerId: conversations.ownerId,
  topicSummary: conversations.topicSummary,
  createdAt: conversations.createdAt,
  lastMessageAt: conversations.lastMessageAt,
  messageCount: conversations.messageCount,
  lastUsedProvider: conversations.lastUsedProvider,
  lastUsedModel: conversations.lastUsedModel,
};

export async function listConversations(
  tx: ViewerTx,
  page: ConversationPage,
): Promise<readonly Conversation[]> {
  const place = page.after && sql`(${page.after.lastMessageAt.toISOString()}::timestamptz, ${page.after.id})`;
  const key = sql`(${conversations.lastMessageAt}, ${conversations.id})`;
  const behind = place && (page.reverse ? sql`${key} > ${place}` : sql`${key} < ${place}`);
  const direction = page.reverse ? asc : desc;
  const ofOwner = page.ownerId === undefined ? undefined : eq(conversations.ownerId, page.ownerId);
  return tx
    .select(COLUMNS)
    .from(conversations)
    .where(and(isMine(tx), ofOwner, isNull(conversations.deletedAt), behind))
    .orderBy(direction(conversations.lastMessageAt), direction(conversations.id))
    .limit(page.limit);
}

export async function findConversations(
  tx: ViewerTx,
  ids: readonly string[],
): Promise<readonly Conversation[]> {
  return tx
    .select(COLUMNS)
    .from(conversations)
    .where(and(isMine(tx), isNull(conversations.deletedAt), inArray(conversations.id, [...ids])));
}

/** The conversation with its new summary, or undefined when there is none to rename. */
export async function updateTopicSummary(
  tx: ViewerTx,
  change: { readonly id: string; readonly topicSummary: string },
): Promise<Conversation | undefined> {
  const [renamed] = await tx
    .update(conversations)
    .set({ topicSummary: change.topicSummary })
    .where(and(isMine(tx), isNull(conversations.deletedAt), eq(conversations.id, change.id)))
    .returning(COLUMNS);
  return renamed;
}

/** Turns the conversation into a tombstone; undefined when there never was one of this owner. */
export async function buryConversation(
  tx: ViewerTx,
  id: string,
): Promise<{ readonly outcome: Burial; readonly ownerId: string } | undefined> {
  const mine = and(isMine(tx), eq(conversations.id, id));
  const { ownerId } = conversations;
  const [buried] = await tx
    .update(conversations)
    .set({ deletedAt: sql`now()`, topicSummary: null })
    .where(and(mine, isNull(conversations.deletedAt)))
    .returning({ ownerId });
  if (buried) return { outcome: 'DELETED', ...buried };
  const [tombstone] = await tx.select({ ownerId }).from(conversations).where(mine);
  return tombstone && { outcome: 'ALREADY_DELETED', ...tombstone };
}

export interface BackendConversation {
  readonly provider: string;
  readonly backendConversationId: string;
}

/** What a backend still keeps of a tombstone, in a conversation of its own. */
export async function findBackendConversation(
  tx: AnyTx,
  id: string,
): Promise<BackendConversation | undefined> {
  const [found] = await tx
    .select({
      provider: conversations.backendProvider,
      backendConversationId: conversations.backendConversationId,
    })
    .from(conversations)
    .where(and(isMine(tx), eq(conversations.id, id), isNotNull(conversations.deletedAt)));
  const { provider = null, backendConversationId = null } = found ?? {};
  return provider === null || backendConversationId === null
    ? undefined
    : { provider, backendConversationId };
}

/**
 * Removes what was said in the ended turns of a tombstone, and what was said of them. The turns themselves stay: their keys
 * are still spent.
 */
export async function eraseEndedTurns(tx: AnyTx, id: string): Promise<void> {
  const tombstone = tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(isMine(tx), eq(conversations.id, id), isNotNull(conversations.deletedAt)));
  await tx.delete(feedback).where(inArray(feedback.conversationId, tombstone));
  const ended = tx
    .select({ id: turns.id })
    .from(turns)
    .where(and(inArray(turns.conversationId, tombstone), ne(turns.status, 'RUNNING')));
  for (const table of [turnEventBatches, turnAttachments, turnDocuments, turnChunks, toolCalls]) {
    await tx.delete(table).where(inArray(table.turnId, ended));
  }
  await tx
    .update(turns)
    .set({ query: '', answer: '', request: {}, error: null })
    .where(inArray(turns.id, ended));
}

const LAST_USED_AT = max(turns.startedAt);
/** A document without title or URL sorts as if that were empty; one of the two is always there. */
const URL_KEY = sql`coalesce(${turnDocuments.url}, '')`;
const TITLE_KEY = sql`coalesce(${turnDocuments.title}, '')`;

export async function listDocumentUses(tx: ViewerTx, page: DocumentUsePage): Promise<readonly DocumentUse[]> {
  const { after, conversationId } = page;
  const place =
    after && sql`(${after.lastUsedAt.toISOString()}::timestamptz, ${after.url ?? ''}, ${after.title ?? ''})`;
  const key = sql`(${LAST_USED_AT}, ${URL_KEY}, ${TITLE_KEY})`;
  const direction = page.reverse ? asc : desc;
  const inConversation = conversationId === undefined ? undefined : eq(conversations.id, conversationId);
  const rows = await tx
    .select({
      title: turnDocuments.title,
      url: turnDocuments.url,
      turnCount: countDistinct(turnDocuments.turnId),
      lastUsedAt: LAST_USED_AT,
    })
    .from(turnDocuments)
    .innerJoin(turns, eq(turns.id, turnDocuments.turnId))
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(isMine(tx), isNull(conversations.deletedAt), ne(turns.status, 'RUNNING'), inConversation))
    .groupBy(turnDocuments.url, turnDocuments.title)
    .having(place && (page.reverse ? sql`${key} > ${place}` : sql`${key} < ${place}`))
    .orderBy(direction(LAST_USED_AT), direction(URL_KEY), direction(TITLE_KEY))
    .limit(page.limit);
  return rows.flatMap(({ lastUsedAt, ...use }) => (lastUsedAt ? [{ ...use, lastUsedAt }] : []));
}

/** The latest uses in each of the conversations, at most `limit` of each, latest first. */
export async function listDocumentUsesByConversation(
  tx: ViewerTx,
  wanted: { readonly conversationIds: readonly string[]; readonly limit: number },
): Promise<readonly (DocumentUse & { readonly conversationId: string; readonly ownerId: string })[]> {
  const ranked = tx
    .select({
      conversationId: turns.conversationId,
      ownerId: conversations.ownerId,
      title: turnDocuments.title,
      url: turnDocuments.url,
      turnCount: countDistinct(turnDocuments.turnId).as('turn_count'),
      lastUsedAt: sql<Date>`${LAST_USED_AT}`.mapWith(turns.startedAt).as('last_used_at'),
      place: sql<number>`row_number() OVER (PARTITION BY ${turns.conversationId}
        ORDER BY ${LAST_USED_AT} DESC, ${URL_KEY} DESC, ${TITLE_KEY} DESC)`.as('place'),
    })
    .from(turnDocuments)
    .innerJoin(turns, eq(turns.id, turnDocuments.turnId))
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(
      and(
        isMine(tx),
        isNull(conversations.deletedAt),
        ne(turns.status, 'RUNNING'),
        inArray(conversations.id, [...wanted.conversationIds]),
      ),
    )
    .groupBy(turns.conversationId, conversations.ownerId, turnDocuments.url, turnDocuments.title)
    .as('ranked');
  return tx
    .select({
      conversationId: ranked.conversationId,
      ownerId: ranked.ownerId,
      title: ranked.title,
      url: ranked.url,
      turnCount: ranked.turnCount,
      lastUsedAt: ranked.lastUsedAt,
    })
    .from(ranked)
    .where(lte(ranked.place, wanted.limit))
    .orderBy(asc(ranked.conversationId), asc(ranked.place));
}
