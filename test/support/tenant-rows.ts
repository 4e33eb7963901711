/** A row of one viewer in every table that holds what belongs to viewers, written past the domains. */
import type { Sql } from 'postgres';
import { newId } from '../../src/lib/ids.ts';
import { insertConversation, insertTurn } from './conversation-rows.ts';

/** Tables whose rows are everybody's, and why. */
export const SHARED_TABLES: Readonly<Record<string, string>> = {
  document: 'the built-in document store is one for all viewers, and says so',
  passage: 'part of a document',
  passage_term: 'part of a passage',
  seeded_document: "which of Millrace's own pages were imported",
  setting: 'what administrators switch for all',
};

export interface TenantRows {
  readonly conversationId: string;
  readonly turnId: string;
}

export async function insertTenantRows(driver: Sql, ownerId: string): Promise<TenantRows> {
  const conversationId = await insertConversation(driver, { ownerId });
  const documents = [{ title: 'Secret', url: null }];
  const turnId = await insertTurn(driver, { conversationId, ownerId, documents });
  await driver`INSERT INTO turn_epoch VALUES (${turnId}, 2, 5)`;
  await driver`INSERT INTO feedback (id, owner_id, conversation_id, turn_id, question, answer, text, categories)
    VALUES (${newId()}, ${ownerId}, ${conversationId}, ${turnId}, 'q', 'a', 'secret', '{}')`;
  await driver`INSERT INTO upload (id, owner_id, content_type, bytes, byte_size)
    VALUES (${newId()}, ${ownerId}, 'text/plain', 'secret', 6)`;
  await driver`INSERT INTO token_usage VALUES (${ownerId}, 'local', 'extractive', 'TURN', current_date, 1, 1)`;
  await driver`INSERT INTO audit_log (actor_id, action, subject_id)
    VALUES (${ownerId}, 'READ_OTHERS_CONVERSATIONS', 'somebody')`;
  await driver`INSERT INTO limiter_balance (limiter, subject, owner_id, available, anchor, period_start)
    VALUES ('daily', 'USER', ${ownerId}, 5, now(), now())`;
  await driver`INSERT INTO quota_ledger (limiter, subject, owner_id, kind, amount, change, turn_id)
    VALUES ('daily', 'USER', ${ownerId}, 'RESERVE', 5, -5, ${turnId})`;
  return { conversationId, turnId };
}

/** Every table of the schema, with whether the policies hold for its owner too, and how many there are. */
export async function listTables(driver: Sql) {
  return driver<{ name: string; secured: boolean; forced: boolean; policies: number }[]>`
    SELECT relname AS name, relrowsecurity AS secured, relforcerowsecurity AS forced,
      (SELECT count(*)::int FROM pg_policy WHERE polrelid = pg_class.oid) AS policies
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname`;
}

export async function listTenantTables(driver: Sql): Promise<readonly string[]> {
  const tables = await listTables(driver);
  return tables.map(({ name }) => name).filter((name) => !(name in SHARED_TABLES));
}
