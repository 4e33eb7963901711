/** Uses of actions on what belongs to others: each is written down, with who, what and whose, and nothing else is. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reachOthers } from '../../../src/auth/reach-others.ts';
import {
  deleteConversation,
  getConversation,
  listConversations,
  renameConversation,
} from '../../../src/conversations/conversations.ts';
import { listReferencedDocuments } from '../../../src/conversations/referenced-documents.ts';
import type { Action } from '../../../src/types/action.ts';
import type { Turn } from '../../../src/types/turn.ts';
import { recordChanges } from '../../support/conversation-changes.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { stream, textResponse } from '../../support/fake-backend-script.ts';

const owner = createViewer();
const other = createViewer();
let granted: readonly Action[];
const policy = {
  can: (viewer: { readonly id: string }, action: Action) =>
    viewer.id === other.id && granted.includes(action),
};
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;
let turn: Turn;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({ onResponse: () => stream(textResponse('An answer.')) });
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url, policy });
});
beforeEach(async () => {
  granted = [];
  const started = await node.engine.start(owner, { query: 'Mine?' });
  await collectEvents(node.engine, owner, { turnId: started.turn.id });
  turn = await node.engine.get(owner, started.turn.id);
  await db.database.driver`TRUNCATE audit_log`;
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const deps = () => ({ database: db.database, policy, ...recordChanges() });
const listAudit = async () =>
  (await db.database.driver`SELECT * FROM audit_log ORDER BY id`).map(
    ({ actor_id, action, subject_id, target_kind, target_id, at }) => {
      expect(at).toMatch(/^20/);
      expect(actor_id).toBe(other.id);
      return [action, subject_id, target_kind, target_id];
    },
  );
const page = { limit: 9 };

const uses: readonly (readonly [Action, string, () => Promise<unknown>, 'conversation' | 'turn' | null])[] = [
  [
    'READ_OTHERS_CONVERSATIONS',
    'a conversation',
    () => getConversation(deps(), other, turn.conversationId),
    'conversation',
  ],
  ['READ_OTHERS_CONVERSATIONS', 'a turn', () => node.engine.get(other, turn.id), 'turn'],
  [
    'READ_OTHERS_CONVERSATIONS',
    'the events of a turn',
    () => collectEvents(node.engine, other, { turnId: turn.id }),
    'turn',
  ],
  [
    'READ_OTHERS_CONVERSATIONS',
    'the turns of a conversation',
    () => node.engine.list(other, { ...page, conversationId: turn.conversationId }),
    'conversation',
  ],
  [
    'READ_OTHERS_CONVERSATIONS',
    'the documents of a conversation',
    () => listReferencedDocuments(deps(), other, { ...page, conversationId: turn.conversationId }),
    'conversation',
  ],
  [
    'QUERY_OTHERS_CONVERSATIONS',
    'a question',
    () => node.engine.start(other, { query: 'Yours?', conversationId: turn.conversationId }),
    'conversation',
  ],
  [
    'DELETE_OTHERS_CONVERSATIONS',
    'a deletion',
    () => deleteConversation(deps(), other, turn.conversationId),
    'conversation',
  ],
  ['CANCEL_OTHERS_TURNS', 'a cancellation', () => node.engine.cancel(other, turn.id), 'turn'],
  [
    'LIST_OTHERS_CONVERSATIONS',
    'the list of one viewer',
    () => listConversations(deps(), other, { ...page, ownerId: owner.id }),
    null,
  ],
];

describe('a use on what is of somebody else', () => {
  it.each(uses)('%s: %s is one row', async (action, _what, use, kind) => {
    granted = [action];
    await use();
    const target = kind === 'turn' ? turn.id : kind === 'conversation' ? turn.conversationId : null;
    expect(await listAudit()).toEqual([[action, owner.id, kind, target]]);
  });

  it.each(uses)(
    '%s: without it %s is refused and nothing is written down',
    async (_action, _what, use, kind) => {
      await expect(use()).rejects.toMatchObject({ code: kind === null ? 'FORBIDDEN' : 'NOT_FOUND' });
      expect(await listAudit()).toEqual([]);
    },
  );

  it('LIST_OTHERS_CONVERSATIONS: the list of everyone names nobody', async () => {
    granted = ['LIST_OTHERS_CONVERSATIONS'];
    const listed = await listConversations(deps(), other, { ...page, ofEveryone: true });
    expect(listed.map(({ ownerId }) => ownerId)).toContain(owner.id);
    expect(await listAudit()).toEqual([['LIST_OTHERS_CONVERSATIONS', null, null, null]]);
  });

  it('is undone when it cannot be written down', async () => {
    granted = ['DELETE_OTHERS_CONVERSATIONS'];
    await db.database.driver`ALTER TABLE audit_log ADD CONSTRAINT jammed CHECK (false) NOT VALID`;
    await expect(deleteConversation(deps(), other, turn.conversationId)).rejects.toThrow();
    await db.database.driver`ALTER TABLE audit_log DROP CONSTRAINT jammed`;
    expect(await node.engine.get(owner, turn.id)).toMatchObject({ id: turn.id });
  });
});

describe('nothing is written down', () => {
  const all: readonly Action[] = uses.map(([action]) => action);

  it("of what is one's own", async () => {
    granted = all;
    const { turn: mine } = await node.engine.start(other, { query: 'My own?' });
    await collectEvents(node.engine, other, { turnId: mine.id });
    await node.engine.list(other, { ...page, conversationId: mine.conversationId });
    await getConversation(deps(), other, mine.conversationId);
    await listConversations(deps(), other, page);
    await listConversations(deps(), other, { ...page, ownerId: other.id });
    await deleteConversation(deps(), other, mine.conversationId);
    expect(await listAudit()).toEqual([]);
  });

  it('of what is not there', async () => {
    granted = all;
    const nobody = createViewer().id;
    await expect(getConversation(deps(), other, nobody)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(node.engine.get(other, nobody)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await listAudit()).toEqual([]);
  });
});

it('no action lets rename or give the name of another', async () => {
  granted = uses.map(([action]) => action);
  const renaming = renameConversation(deps(), other, {
    conversationId: turn.conversationId,
    topicSummary: 'Mine',
  });
  await expect(renaming).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it('lists of two sorts of owners at once are refused', async () => {
  granted = ['LIST_OTHERS_CONVERSATIONS'];
  const listing = listConversations(deps(), other, { ...page, ofEveryone: true, ownerId: owner.id });
  await expect(listing).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
});

it('the reach ends with the transaction', async () => {
  granted = ['READ_OTHERS_CONVERSATIONS'];
  const seen = await reachOthers(deps(), other, {
    action: 'READ_OTHERS_CONVERSATIONS',
    run: async (tx) => [tx.viewerId, tx.ownerId],
    targets: () => [],
  });
  expect(seen).toEqual([other.id, null]);
  const [own, asked] = await Promise.all(
    (['OWN', 'ASKED'] as const).map((reach) =>
      db.database.asViewer(other, async (tx) => [tx.viewerId, tx.ownerId], { reach }),
    ),
  );
  expect([own, asked]).toEqual([
    [other.id, other.id],
    [other.id, other.id],
  ]);
});
