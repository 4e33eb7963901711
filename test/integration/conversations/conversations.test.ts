/** What a viewer does with conversations, on Postgres. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ConversationChangeDeps,
  deleteConversation,
  eraseConversation,
  findConversations,
  getConversation,
  listConversations,
  renameConversation,
} from '../../../src/conversations/conversations.ts';
import { newId } from '../../../src/lib/ids.ts';
import type { Action } from '../../../src/types/action.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { recordChanges } from '../../support/conversation-changes.ts';
import { insertConversation, insertTurn } from '../../support/conversation-rows.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const toViewer = (): Viewer => ({ id: newId(), name: 'Ada', roles: ['*'] });

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
});

/** The conversations of a viewer who may also do these actions. */
const withActions = (...actions: readonly Action[]): ConversationChangeDeps => ({
  ...recordChanges(),
  database: db.database,
  policy: { can: (_viewer, action) => actions.includes(action) },
});

const idsOf = (conversations: readonly { readonly id: string }[]) => conversations.map(({ id }) => id);
const missing = (id: string) => ({
  code: 'NOT_FOUND',
  message: 'Conversation not found',
  details: { explanation: `Conversation with ID ${id} does not exist` },
});

describe('listing', () => {
  it('gives the newest first, by id where the moment is the same, in pages and in both directions', async () => {
    const ada = toViewer();
    const [early, late] = [new Date('2026-01-01T00:00:00.001Z'), new Date('2026-01-01T00:00:00.002Z')];
    const ids = ['b', 'a', 'd', 'c'].map((letter) => letter.repeat(47) + newId().at(-1));
    const moments = [late, late, early, early];
    for (const [index, id] of ids.entries()) {
      await insertConversation(db.database.driver, {
        id,
        ownerId: ada.id,
        lastMessageAt: moments[index] ?? late,
      });
    }
    const deps = withActions();
    const all = await listConversations(deps, ada, { limit: 10 });
    expect(idsOf(all)).toEqual(ids);
    for (const [index, after] of all.entries()) {
      const behind = await listConversations(deps, ada, { limit: 2, after });
      expect(idsOf(behind)).toEqual(ids.slice(index + 1, index + 3));
      const before = await listConversations(deps, ada, { limit: 10, after, reverse: true });
      expect(idsOf(before)).toEqual(ids.slice(0, index).toReversed());
    }
  });

  it('gives only the own ones', async () => {
    const [ada, eve] = [toViewer(), toViewer()];
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    expect(idsOf(await listConversations(withActions(), ada, { limit: 9 }))).toEqual([id]);
    expect(await listConversations(withActions(), eve, { limit: 9 })).toEqual([]);
  });

  it("gives everyone's only to those who may list them", async () => {
    const [ada, eve] = [toViewer(), toViewer()];
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    const page = { limit: 100, ofEveryone: true };
    await expect(listConversations(withActions(), eve, page)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(idsOf(await listConversations(withActions('LIST_OTHERS_CONVERSATIONS'), eve, page))).toContain(id);
  });
});

describe('reading', () => {
  it('finds one by any form of its id', async () => {
    const ada = toViewer();
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    expect(await getConversation(withActions(), ada, `conv_${id.toUpperCase()}`)).toEqual({
      id,
      ownerId: ada.id,
      topicSummary: 'Optics',
      createdAt: expect.any(Date),
      lastMessageAt: expect.any(Date),
      messageCount: 0,
      lastUsedProvider: null,
      lastUsedModel: null,
    });
  });

  it("answers the same for another's and for one that does not exist", async () => {
    const [ada, eve] = [toViewer(), toViewer()];
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    const none = newId();
    await expect(getConversation(withActions(), eve, id)).rejects.toMatchObject(missing(id));
    await expect(getConversation(withActions(), eve, none)).rejects.toMatchObject(missing(none));
    expect((await findConversations(withActions(), eve, [id, none])).size).toBe(0);
  });

  it("lets those through who may read others'", async () => {
    const [ada, eve] = [toViewer(), toViewer()];
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    const deps = withActions('READ_OTHERS_CONVERSATIONS');
    expect((await getConversation(deps, eve, id)).ownerId).toBe(ada.id);
  });
});

describe('renaming', () => {
  it('stores the trimmed summary', async () => {
    const ada = toViewer();
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    const topicSummary = '  Why the sky is blue \n';
    expect(await renameConversation(withActions(), ada, { conversationId: id, topicSummary })).toMatchObject({
      id,
      topicSummary: 'Why the sky is blue',
    });
    expect((await getConversation(withActions(), ada, id)).topicSummary).toBe('Why the sky is blue');
  });

  it.each([
    ['nothing', ''],
    ['only spaces', ' \n '],
    ['1,001 characters', 'x'.repeat(1001)],
    ['a NUL character', 'a\0b'],
    ['a lone surrogate', 'a\uD800b'],
  ])('refuses %s', async (_what, topicSummary) => {
    const renaming = renameConversation(withActions(), toViewer(), { conversationId: newId(), topicSummary });
    await expect(renaming).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('takes 1,000 characters, however many code units they have', async () => {
    const ada = toViewer();
    const conversationId = await insertConversation(db.database.driver, { ownerId: ada.id });
    const topicSummary = '🌈'.repeat(1000);
    expect(await renameConversation(withActions(), ada, { conversationId, topicSummary })).toMatchObject({
      topicSummary,
    });
  });

  it("leaves others' alone, also for those who may read and delete them", async () => {
    const [ada, eve] = [toViewer(), toViewer()];
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    const deps = withActions('READ_OTHERS_CONVERSATIONS', 'DELETE_OTHERS_CONVERSATIONS');
    const renaming = renameConversation(deps, eve, { conversationId: id, topicSummary: 'Mine' });
    await expect(renaming).rejects.toMatchObject(missing(id));
    expect((await getConversation(deps, eve, id)).topicSummary).toBe('Optics');
  });
});

/** Every text of the tables that mentions the secret of the inserted turns of a conversation. */
async function listSecrets(conversationId: string): Promise<readonly string[]> {
  const rows = await db.database.driver<{ text: string }[]>`
    SELECT to_jsonb(t)::text AS text FROM turn t WHERE conversation_id = ${conversationId}
    UNION ALL SELECT to_jsonb(a)::text FROM turn_attachment a JOIN turn t ON t.id = turn_id AND conversation_id = ${conversationId}
    UNION ALL SELECT to_jsonb(c)::text FROM turn_chunk c JOIN turn t ON t.id = turn_id AND conversation_id = ${conversationId}
    UNION ALL SELECT to_jsonb(c)::text FROM tool_call c JOIN turn t ON t.id = turn_id AND conversation_id = ${conversationId}
    UNION ALL SELECT to_jsonb(d)::text FROM turn_document d JOIN turn t ON t.id = turn_id AND conversation_id = ${conversationId}
    UNION ALL SELECT to_jsonb(b)::text FROM turn_event_batch b JOIN turn t ON t.id = turn_id AND conversation_id = ${conversationId}`;
  return rows.map(({ text }) => text).filter((text) => text.includes('secret'));
}

describe('deleting', () => {
  const documents = [{ title: 'secret', url: null }];

  it('hides the conversation and erases what was said in it, and is safe to repeat', async () => {
    const ada = toViewer();
    const deps = withActions();
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    await insertTurn(db.database.driver, { conversationId: id, ownerId: ada.id, documents });
    expect(await listSecrets(id)).toHaveLength(6);
    expect(await deleteConversation(deps, ada, `conv_${id}`)).toEqual({ id, outcome: 'DELETED' });
    expect(await listSecrets(id)).toEqual([]);
    expect(await deleteConversation(deps, ada, id)).toEqual({ id, outcome: 'ALREADY_DELETED' });
    expect(await listConversations(deps, ada, { limit: 9 })).toEqual([]);
    await expect(getConversation(deps, ada, id)).rejects.toMatchObject(missing(id));
    const renaming = renameConversation(deps, ada, { conversationId: id, topicSummary: 'Back' });
    await expect(renaming).rejects.toMatchObject(missing(id));
  });

  it('leaves a running turn to be ended, and erases it then', async () => {
    const ada = toViewer();
    const deps = withActions();
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    const turnId = await insertTurn(db.database.driver, {
      conversationId: id,
      ownerId: ada.id,
      status: 'RUNNING',
    });
    await deleteConversation(deps, ada, id);
    expect(await listSecrets(id)).toHaveLength(5);
    await db.database
      .driver`UPDATE turn SET status = 'INTERRUPTED', completed_at = now() WHERE id = ${turnId}`;
    await eraseConversation(deps, id);
    expect(await listSecrets(id)).toEqual([]);
  });

  it('erases nothing of a conversation that is not deleted', async () => {
    const ada = toViewer();
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    await insertTurn(db.database.driver, { conversationId: id, ownerId: ada.id, documents });
    await eraseConversation(withActions(), id);
    expect(await listSecrets(id)).toHaveLength(6);
  });

  it("leaves others' alone but for those who may delete them", async () => {
    const [ada, eve] = [toViewer(), toViewer()];
    const id = await insertConversation(db.database.driver, { ownerId: ada.id });
    await insertTurn(db.database.driver, { conversationId: id, ownerId: ada.id, documents });
    await expect(deleteConversation(withActions(), eve, id)).rejects.toMatchObject(missing(id));
    expect(await listSecrets(id)).toHaveLength(6);
    const deps = withActions('DELETE_OTHERS_CONVERSATIONS');
    expect(await deleteConversation(deps, eve, id)).toEqual({ id, outcome: 'DELETED' });
    expect(await listSecrets(id)).toEqual([]);
  });
});
