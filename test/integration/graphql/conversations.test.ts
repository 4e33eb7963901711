/** Conversations through the API, on Postgres; the turn engine is a stand-in. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newId } from '../../../src/lib/ids.ts';
import type { TurnEngine } from '../../../src/turns/engine.ts';
import { recordChanges } from '../../support/conversation-changes.ts';
import { insertConversation, insertTurn } from '../../support/conversation-rows.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createContext, createTurn, errorsOf, run } from '../../support/graphql.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
});

const toViewer = () => ({ id: newId(), name: 'Ada', roles: ['*'] });

function contextOf(viewer = toViewer(), engine: Partial<TurnEngine> = {}) {
  return createContext({ viewer, engine, services: { ...recordChanges(), database: db.database } });
}

const insert = (ownerId: string, second = 0) =>
  insertConversation(db.database.driver, {
    ownerId,
    lastMessageAt: new Date(Date.UTC(2026, 0, 1, 0, 0, second)),
  });

describe('conversations', () => {
  const source = `query ($first: Int, $after: Cursor, $last: Int, $before: Cursor) {
    conversations(first: $first, after: $after, last: $last, before: $before) {
      nodes { id }
      edges { cursor node { lastMessageAt referencedDocuments { turnCount document { title url } } } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;

  it('are paged with what is referred to in each of them', async () => {
    const context = contextOf();
    const older = await insert(context.viewer.id, 1);
    const newer = await insert(context.viewer.id, 2);
    const documents = [{ title: 'Optics', url: null }];
    await insertTurn(db.database.driver, { conversationId: older, ownerId: context.viewer.id, documents });
    const asViewer = vi.spyOn(db.database, 'asViewer');
    const all = await run(source, context);
    expect(all).toMatchObject({
      data: {
        conversations: {
          nodes: [{ id: newer }, { id: older }],
          edges: [
            { node: { lastMessageAt: '2026-01-01T00:00:02.000Z', referencedDocuments: [] } },
            { node: { referencedDocuments: [{ turnCount: 1, document: { title: 'Optics', url: null } }] } },
          ],
          pageInfo: { hasNextPage: false, hasPreviousPage: false },
        },
      },
    });
    expect(asViewer).toHaveBeenCalledTimes(2);
    asViewer.mockRestore();
    const { data } = await run(source, context, { first: 1 });
    expect(data).toMatchObject({
      conversations: { nodes: [{ id: newer }], pageInfo: { hasNextPage: true } },
    });
    const { endCursor } = (data as { conversations: { pageInfo: { endCursor: string } } }).conversations
      .pageInfo;
    expect(await run(source, context, { first: 1, after: endCursor })).toMatchObject({
      data: {
        conversations: { nodes: [{ id: older }], pageInfo: { hasNextPage: false, hasPreviousPage: true } },
      },
    });
    expect(await run(source, context, { last: 1 })).toMatchObject({
      data: {
        conversations: { nodes: [{ id: older }], pageInfo: { hasNextPage: false, hasPreviousPage: true } },
      },
    });
  });

  it.each(['W10', 'WzEsMl0', 'WzEsIlx1MDAwMCJd', 'Wy0xLCJhIl0', 'WzllOTksImEiXQ', 'x', ''])(
    'refuse the cursor %j without asking the database',
    async (after) => {
      const result = await run(source, createContext(), { after });
      expect(errorsOf(result)).toEqual([
        { code: 'CURSOR_INVALID', message: 'The cursor is not one of this list' },
      ]);
    },
  );
});

describe('conversation', () => {
  const source = `query ($id: ID!) {
    conversation(id: $id) { id topicSummary turns(last: 2) { nodes { id conversation { id } } } }
  }`;

  it('comes with its turns, and each turn with its conversation', async () => {
    const viewer = toViewer();
    const id = await insert(viewer.id);
    const turns = [newId(), newId()].map((turnId) => createTurn({ id: turnId, conversationId: id }));
    const list = vi.fn<TurnEngine['list']>(async () => turns.toReversed());
    expect(await run(source, contextOf(viewer, { list }), { id: `conv_${id}` })).toEqual({
      data: {
        conversation: {
          id,
          topicSummary: 'Optics',
          turns: { nodes: turns.map((turn) => ({ id: turn.id, conversation: { id } })) },
        },
      },
    });
    expect(list).toHaveBeenCalledWith(viewer, { conversationId: id, limit: 3, reverse: true });
  });

  it("is null with NOT_FOUND when it is another's", async () => {
    const id = await insert(newId());
    const result = await run(source, contextOf(), { id });
    expect(result.data).toEqual({ conversation: null });
    expect(errorsOf(result)).toEqual([{ code: 'NOT_FOUND', message: 'Conversation not found' }]);
  });
});

describe('referencedDocuments', () => {
  const source = `query ($after: Cursor) {
    referencedDocuments(first: 1, after: $after) {
      nodes { turnCount lastUsedAt document { title url } }
      pageInfo { hasNextPage endCursor }
    }
  }`;

  it('are paged across conversations', async () => {
    const context = contextOf();
    const conversationId = await insert(context.viewer.id);
    const documents = ['A', 'B'].map((title) => ({ title, url: null }));
    const startedAt = new Date('2026-01-01T00:00:00.000Z');
    await insertTurn(db.database.driver, {
      conversationId,
      ownerId: context.viewer.id,
      startedAt,
      documents,
    });
    const first = await run(source, context);
    const node = (title: string) => ({
      turnCount: 1,
      lastUsedAt: startedAt.toISOString(),
      document: { title, url: null },
    });
    expect(first).toMatchObject({
      data: { referencedDocuments: { nodes: [node('B')], pageInfo: { hasNextPage: true } } },
    });
    const { pageInfo } = (first.data as { referencedDocuments: { pageInfo: { endCursor: string } } })
      .referencedDocuments;
    expect(await run(source, context, { after: pageInfo.endCursor })).toMatchObject({
      data: { referencedDocuments: { nodes: [node('A')], pageInfo: { hasNextPage: false } } },
    });
  });
});

describe('renameConversation', () => {
  it('returns the renamed conversation', async () => {
    const context = contextOf();
    const conversationId = await insert(context.viewer.id);
    const source = `mutation ($input: RenameConversationInput!) {
      renameConversation(input: $input) { conversation { id topicSummary } }
    }`;
    expect(await run(source, context, { input: { conversationId, topicSummary: ' Light ' } })).toEqual({
      data: { renameConversation: { conversation: { id: conversationId, topicSummary: 'Light' } } },
    });
  });
});

describe('deleteConversation', () => {
  const source = `mutation ($input: DeleteConversationInput!) {
    deleteConversation(input: $input) { conversationId outcome }
  }`;

  it('hides the conversation, then ends the turn that runs in it, then erases what that turn had', async () => {
    const viewer = toViewer();
    const id = await insert(viewer.id);
    const turnId = await insertTurn(db.database.driver, {
      conversationId: id,
      ownerId: viewer.id,
      status: 'RUNNING',
    });
    const { driver } = db.database;
    const interruptConversation = vi.fn<TurnEngine['interruptConversation']>(async () => {
      const [row] = await driver`SELECT deleted_at FROM conversation WHERE id = ${id}`;
      expect(row?.deleted_at).not.toBeNull();
      await driver`UPDATE turn SET status = 'INTERRUPTED', completed_at = now() WHERE id = ${turnId}`;
    });
    const context = contextOf(viewer, { interruptConversation });
    const input = { conversationId: `conv_${id}` };
    expect(await run(source, context, { input })).toEqual({
      data: { deleteConversation: { conversationId: id, outcome: 'DELETED' } },
    });
    expect(interruptConversation).toHaveBeenCalledWith(viewer, id, 'CONVERSATION_DELETED');
    expect(await driver`SELECT query, answer FROM turn WHERE id = ${turnId}`).toMatchObject([
      { query: '', answer: '' },
    ]);
    expect(await run(source, context, { input })).toMatchObject({
      data: { deleteConversation: { outcome: 'ALREADY_DELETED' } },
    });
  });

  it("answers NOT_FOUND for another's and touches nothing", async () => {
    const result = await run(source, contextOf(), { input: { conversationId: await insert(newId()) } });
    expect(errorsOf(result)).toEqual([{ code: 'NOT_FOUND', message: 'Conversation not found' }]);
  });
});
