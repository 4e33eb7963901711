/** What answers refer to, counted, on Postgres. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConversationChangeDeps, deleteConversation } from '../../../src/conversations/conversations.ts';
import {
  listDocumentsByConversation,
  listReferencedDocuments,
} from '../../../src/conversations/referenced-documents.ts';
import { newId } from '../../../src/lib/ids.ts';
import type { ReferencedDocument } from '../../../src/types/document.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { recordChanges } from '../../support/conversation-changes.ts';
import { insertConversation, insertTurn } from '../../support/conversation-rows.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const optics = { title: 'Optics', url: 'https://example.org/optics' };
const untitled = { title: null, url: 'https://example.org/optics' };
const printed = { title: 'Optics', url: null };
const toViewer = (): Viewer => ({ id: newId(), name: 'Ada', roles: ['*'] });
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

let db: TestDatabase;
let deps: ConversationChangeDeps;
beforeAll(async () => {
  db = await createTestDatabase();
  deps = { ...recordChanges(), database: db.database, policy: { can: () => false } };
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
});

/** A conversation whose turns, asked a second apart, refer to these documents. */
async function converse(
  owner: Viewer,
  firstSecond: number,
  ...turns: readonly (readonly ReferencedDocument[])[]
): Promise<string> {
  const conversationId = await insertConversation(db.database.driver, { ownerId: owner.id });
  for (const [index, documents] of turns.entries()) {
    const startedAt = at(firstSecond + index);
    await insertTurn(db.database.driver, { conversationId, ownerId: owner.id, startedAt, documents });
  }
  return conversationId;
}

describe('referenced documents', () => {
  it('are counted across conversations, the latest use first, each once by URL and title', async () => {
    const ada = toViewer();
    await converse(ada, 0, [optics, printed], [optics]);
    await converse(ada, 10, [printed], [untitled, optics]);
    expect(await listReferencedDocuments(deps, ada, { limit: 9 })).toEqual([
      { ...optics, turnCount: 3, lastUsedAt: at(11) },
      { ...untitled, turnCount: 1, lastUsedAt: at(11) },
      { ...printed, turnCount: 2, lastUsedAt: at(10) },
    ]);
  });

  it('come in pages and in both directions', async () => {
    const ada = toViewer();
    await converse(ada, 0, [optics, printed, untitled], [printed]);
    const all = await listReferencedDocuments(deps, ada, { limit: 9 });
    expect(all).toHaveLength(3);
    for (const [index, after] of all.entries()) {
      expect(await listReferencedDocuments(deps, ada, { limit: 1, after })).toEqual(
        all.slice(index + 1, index + 2),
      );
      const before = await listReferencedDocuments(deps, ada, { limit: 9, after, reverse: true });
      expect(before).toEqual(all.slice(0, index).toReversed());
    }
  });

  it('are those of one conversation when it is named', async () => {
    const ada = toViewer();
    const conversationId = await converse(ada, 0, [optics], [optics]);
    await converse(ada, 10, [optics, printed]);
    expect(
      await listReferencedDocuments(deps, ada, { limit: 9, conversationId: `conv_${conversationId}` }),
    ).toEqual([{ ...optics, turnCount: 2, lastUsedAt: at(1) }]);
  });

  it('are not those of other viewers', async () => {
    const [ada, eve] = [toViewer(), toViewer()];
    const conversationId = await converse(ada, 0, [optics]);
    expect(await listReferencedDocuments(deps, eve, { limit: 9 })).toEqual([]);
    await expect(listReferencedDocuments(deps, eve, { limit: 9, conversationId })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const wanted = { conversationIds: [conversationId], limit: 9 };
    expect((await listDocumentsByConversation(deps, eve, wanted)).size).toBe(0);
  });

  it('are not those of deleted conversations', async () => {
    const ada = toViewer();
    await deleteConversation(deps, ada, await converse(ada, 0, [optics]));
    expect(await listReferencedDocuments(deps, ada, { limit: 9 })).toEqual([]);
  });

  it('are read for several conversations together, the latest of each', async () => {
    const ada = toViewer();
    const first = await converse(ada, 0, [optics, printed], [optics]);
    const second = await converse(ada, 10, [printed]);
    const empty = await converse(ada, 20, []);
    const wanted = { conversationIds: [first, second, empty], limit: 1 };
    const found = await listDocumentsByConversation(deps, ada, wanted);
    expect(found.get(first)).toMatchObject([{ ...optics, turnCount: 2, lastUsedAt: at(1) }]);
    expect(found.get(second)).toMatchObject([{ ...printed, turnCount: 1, lastUsedAt: at(10) }]);
    expect(found.has(empty)).toBe(false);
  });
});
