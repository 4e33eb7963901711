/** Tables of conversations and their turns. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { JsonObject } from '../../types/json.ts';
import type { ToolKind, ToolStatus } from '../../types/tool-call.ts';
import type { AttachmentType, FinishReason, InterruptReason, TurnStatus } from '../../types/turn.ts';
import type { ErrorBody } from '../../types/turn-event.ts';
import type { UsageSource } from '../../types/usage.ts';
import { moment } from './columns.ts';
import { policiesOfOwner, policiesOfTurnParts, policiesOfTurns } from './policies.ts';

export const conversations = pgTable(
  'conversation',
  {
    id: text('id').primaryKey(),
    ownerId: text('owner_id').notNull(),
    topicSummary: text('topic_summary'),
    createdAt: moment('created_at').notNull().defaultNow(),
    lastMessageAt: moment('last_message_at').notNull().defaultNow(),
    messageCount: integer('message_count').notNull().default(0),
    lastUsedProvider: text('last_used_provider'),
    lastUsedModel: text('last_used_model'),
    /** The backend's own conversation, without the prefix `conv_`, while the backend knows all that was said here. */
    backendConversationId: text('backend_conversation_id'),
    /** Where that is, and the model that answered; null without it. */
    backendProvider: text('backend_provider'),
    backendModel: text('backend_model'),
    /** A tombstone: the row stays, so that no late write brings the conversation back. */
    deletedAt: moment('deleted_at'),
  },
  (table) => [
    index('conversation_newest')
      .on(table.ownerId, table.lastMessageAt.desc(), table.id.desc())
      .where(sql`${table.deletedAt} IS NULL`),
    ...policiesOfOwner(),
  ],
);

export const turns = pgTable(
  'turn',
  {
    id: uuid('id').primaryKey(),
    ownerId: text('owner_id').notNull(),
    conversationId: text('conversation_id')
      .notNull()
      .references(() => conversations.id, { onDelete: 'cascade' }),
    /** `key:` and the client's own key, or `operation:` and the UUID of a WebSocket operation. */
    idempotencyKey: text('idempotency_key'),
    /** SHA-256 of the request after defaults; decides between "the same again" and a conflict. */
    fingerprint: text('fingerprint').notNull(),
    /** The request as it was asked, without credentials. */
    request: jsonb('request').$type<JsonObject>().notNull(),
    status: text('status').$type<TurnStatus>().notNull(),
    query: text('query').notNull(),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    answer: text('answer').notNull().default(''),
    finishReason: text('finish_reason').$type<FinishReason>(),
    interruptReason: text('interrupt_reason').$type<InterruptReason>(),
    error: jsonb('error').$type<ErrorBody['error']>(),
    truncated: boolean('truncated').notNull().default(false),
    ragChunkCount: integer('rag_chunk_count').notNull().default(0),
    /** Tokens of the input as estimated at acceptance; null when no quota was reserved. */
    inputEstimate: bigint('input_estimate', { mode: 'number' }),
    inputTokens: bigint('input_tokens', { mode: 'number' }).notNull().default(0),
    outputTokens: bigint('output_tokens', { mode: 'number' }).notNull().default(0),
    usageSource: text('usage_source').$type<UsageSource>().notNull().default('NONE'),
    startedAt: moment('started_at').notNull().defaultNow(),
    completedAt: moment('completed_at'),
    leaseOwner: text('lease_owner'),
    leaseUntil: moment('lease_until'),
    /** Grows by one with every owner; a writer that holds an older one writes nothing. */
    fence: integer('fence').notNull().default(1),
    /** Sequence number of the terminal event; 0 while the turn runs. */
    lastSeq: integer('last_seq').notNull().default(0),
    /** False once the turn has been over for so long that its events, and its key, are deleted. */
    eventsKept: boolean('events_kept').notNull().default(true),
    /** Asks the owner, wherever it runs, to end the turn for this reason. */
    stopReason: text('stop_reason').$type<InterruptReason>(),
    /** The viewer who asked for that, and after the end who stopped the turn; null: the server itself. */
    stopActor: text('stop_actor'),
    /** Until when it counts as followed on other nodes than its owner's; null: it goes on when nobody follows it. */
    followedUntil: moment('followed_until'),
  },
  (table) => [
    uniqueIndex('turn_idempotency_key').on(table.ownerId, table.idempotencyKey),
    uniqueIndex('turn_one_running').on(table.conversationId).where(sql`${table.status} = 'RUNNING'`),
    index('turn_by_conversation').on(table.conversationId, table.startedAt, table.id),
    index('turn_leases').on(table.leaseUntil).where(sql`${table.status} = 'RUNNING'`),
    index('turn_running_of_owner').on(table.ownerId).where(sql`${table.status} = 'RUNNING'`),
    index('turn_retention').on(table.completedAt).where(sql`${table.eventsKept}`),
    check('turn_ended', sql`(${table.status} = 'RUNNING') = (${table.completedAt} IS NULL)`),
    ...policiesOfTurns(),
  ],
);

const ofTurn = () =>
  uuid('turn_id')
    .notNull()
    .references(() => turns.id, { onDelete: 'cascade' });

export const turnAttachments = pgTable(
  'turn_attachment',
  {
    turnId: ofTurn(),
    ordinal: integer('ordinal').notNull(),
    attachmentType: text('attachment_type').$type<AttachmentType>().notNull(),
    contentType: text('content_type').notNull(),
    content: text('content').notNull(),
  },
  (table) => [primaryKey({ columns: [table.turnId, table.ordinal] }), ...policiesOfTurnParts()],
);

export const turnDocuments = pgTable(
  'turn_document',
  {
    turnId: ofTurn(),
    ordinal: integer('ordinal').notNull(),
    title: text('title'),
    url: text('url'),
  },
  (table) => [primaryKey({ columns: [table.turnId, table.ordinal] }), ...policiesOfTurnParts()],
);

export const turnChunks = pgTable(
  'turn_chunk',
  {
    turnId: ofTurn(),
    ordinal: integer('ordinal').notNull(),
    content: text('content').notNull(),
    source: text('source'),
    score: doublePrecision('score'),
  },
  (table) => [primaryKey({ columns: [table.turnId, table.ordinal] }), ...policiesOfTurnParts()],
);

export const toolCalls = pgTable(
  'tool_call',
  {
    turnId: ofTurn(),
    ordinal: integer('ordinal').notNull(),
    toolCallId: text('tool_call_id').notNull(),
    /** Empty when an earlier turn made the call: then only its result is this turn's. */
    name: text('name').notNull(),
    args: jsonb('args').$type<JsonObject>().notNull(),
    kind: text('kind').$type<ToolKind>().notNull(),
    /** The result's columns are null until there is one. */
    status: text('status').$type<ToolStatus>(),
    rawStatus: text('raw_status'),
    content: text('content'),
    round: integer('round'),
  },
  (table) => [primaryKey({ columns: [table.turnId, table.ordinal] }), ...policiesOfTurnParts()],
);
