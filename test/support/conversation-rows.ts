/** Rows of conversations and ended turns, written past the domains that read them. */
import type { Sql } from 'postgres';
import { newId } from '../../src/lib/ids.ts';
import type { ReferencedDocument } from '../../src/types/document.ts';
import type { TurnStatus } from '../../src/types/turn.ts';

export interface ConversationRow {
  readonly id?: string;
  readonly ownerId: string;
  readonly lastMessageAt?: Date;
}

/** Returns the id. */
export async function insertConversation(driver: Sql, row: ConversationRow): Promise<string> {
  const { id = newId(), ownerId, lastMessageAt = new Date() } = row;
  await driver`INSERT INTO conversation (id, owner_id, topic_summary, last_message_at)
    VALUES (${id}, ${ownerId}, 'Optics', ${lastMessageAt.toISOString()})`;
  return id;
}

export interface TurnRow {
  readonly conversationId: string;
  readonly ownerId: string;
  readonly startedAt?: Date;
  readonly status?: TurnStatus;
  readonly documents?: readonly ReferencedDocument[];
}

/** A turn with an attachment, a chunk, a tool call, an event and the given documents. Returns the id. */
export async function insertTurn(driver: Sql, row: TurnRow): Promise<string> {
  const { conversationId, ownerId, startedAt = new Date(), status = 'COMPLETED', documents = [] } = row;
  const id = newId();
  const started = startedAt.toISOString();
  const completed = status === 'RUNNING' ? null : started;
  await driver`INSERT INTO turn
    (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model, answer, started_at, completed_at)
    VALUES (${id}, ${ownerId}, ${conversationId}, 'f', '{"systemPrompt": "secret"}', ${status}, 'a secret question',
      'local', 'extractive', 'a secret answer', ${started}, ${completed})`;
  await driver`INSERT INTO turn_attachment VALUES (${id}, 0, 'log', 'text/plain', 'secret')`;
  await driver`INSERT INTO turn_chunk VALUES (${id}, 0, 'secret', 'file', 1)`;
  await driver`INSERT INTO tool_call (turn_id, ordinal, tool_call_id, name, args, kind)
    VALUES (${id}, 0, 'c', 'search', '{"q": "secret"}', 'FUNCTION_CALL')`;
  await driver`INSERT INTO turn_event_batch VALUES (${id}, 1, 1, 1, '["secret"]')`;
  for (const [ordinal, { title, url }] of documents.entries()) {
    await driver`INSERT INTO turn_document VALUES (${id}, ${ordinal}, ${title}, ${url})`;
  }
  return id;
}
