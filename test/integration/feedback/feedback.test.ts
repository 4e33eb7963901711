/** Feedback and its switch, on Postgres. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deleteConversation, eraseConversation } from '../../../src/conversations/conversations.ts';
import { createFeedbackSwitch } from '../../../src/feedback/feedback-switch.ts';
import { type FeedbackInput, submitFeedback } from '../../../src/feedback/submit-feedback.ts';
import { newId } from '../../../src/lib/ids.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { recordChanges } from '../../support/conversation-changes.ts';
import { insertConversation, insertTurn } from '../../support/conversation-rows.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const toViewer = (): Viewer => ({ id: newId(), name: 'Ada', roles: ['*'] });

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterEach(async () => {
  await db.database.driver`DELETE FROM setting`;
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
});

const configured = (enabled: boolean) => ({ database: db.database, config: { feedback: { enabled } } });
const depsFor = (enabled = true) => ({
  database: db.database,
  feedbackSwitch: createFeedbackSwitch(configured(enabled)),
});

/** A conversation of a new viewer, and how to say something of it. */
async function createCase() {
  const viewer = toViewer();
  const conversationId = await insertConversation(db.database.driver, { ownerId: viewer.id });
  const turnId = await insertTurn(db.database.driver, { conversationId, ownerId: viewer.id });
  const submit = (given: Partial<FeedbackInput> = { sentiment: 1 }, deps = depsFor()) =>
    submitFeedback(deps, viewer, { conversationId, question: 'Why?', answer: 'So.', ...given });
  return { viewer, conversationId, turnId, submit };
}

const listStored = (conversationId: string) =>
  db.database
    .driver`SELECT owner_id, turn_id, question, answer, sentiment, text, to_jsonb(categories) AS categories
    FROM feedback WHERE conversation_id = ${conversationId}`;

describe('submitting feedback', () => {
  it('stores everything that was said', async () => {
    const { viewer, conversationId, turnId, submit } = await createCase();
    const categories = ['UNSAFE', 'OTHER', 'UNSAFE'] as const;
    const feedback = await submit({ turnId, sentiment: -1, text: ' Bad, "really" ', categories });
    const said = { question: 'Why?', answer: 'So.', sentiment: -1, text: 'Bad, "really"' };
    expect(feedback).toEqual({
      id: expect.any(String),
      conversationId,
      turnId,
      ...said,
      categories: ['UNSAFE', 'OTHER'],
      createdAt: expect.any(Date),
    });
    const [row] = await listStored(conversationId);
    expect(row).toEqual({
      owner_id: viewer.id,
      turn_id: turnId,
      ...said,
      categories: ['UNSAFE', 'OTHER'],
    });
  });

  it.each<Partial<FeedbackInput>>([
    { sentiment: 1 },
    { text: '🙂'.repeat(4_096) },
    { categories: ['INCOMPLETE'] },
  ])('needs no more than one of sentiment, text and categories', async (given) => {
    const { submit } = await createCase();
    await expect(submit(given)).resolves.toMatchObject({ turnId: null });
  });

  it.each<[string, Partial<FeedbackInput>, string]>([
    ['nothing', {}, 'At least one of sentiment, text and categories must be there'],
    [
      'empty things',
      { text: ' \n', categories: [] },
      'At least one of sentiment, text and categories must be there',
    ],
    ['another sentiment', { sentiment: 0 }, 'Improper sentiment value of 0, needs to be -1 or 1'],
    ['a long text', { text: 'x'.repeat(4_097) }, 'text must have at most 4096 characters'],
    ['a NUL', { sentiment: 1, question: 'a\0' }, 'question contains a NUL character or a lone surrogate'],
    [
      'a lone surrogate',
      { sentiment: 1, answer: '\uD800' },
      'answer contains a NUL character or a lone surrogate',
    ],
  ])('refuses %s', async (_what, given, message) => {
    const { conversationId, submit } = await createCase();
    await expect(submit(given)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message });
    expect(await listStored(conversationId)).toEqual([]);
  });

  it("answers for another's conversation, a deleted one, and one that does not exist, with the same refusal", async () => {
    const [mine, theirs, deleted] = [await createCase(), await createCase(), await createCase()];
    await db.database.driver`UPDATE conversation SET deleted_at = now() WHERE id = ${deleted.conversationId}`;
    const missing = newId();
    const refusal = (id: string) => ({
      code: 'NOT_FOUND',
      message: 'Conversation not found',
      details: { explanation: `Conversation with ID ${id} does not exist` },
    });
    for (const conversationId of [theirs.conversationId, missing]) {
      await expect(mine.submit({ conversationId, sentiment: 1 })).rejects.toMatchObject(
        refusal(conversationId),
      );
    }
    await expect(deleted.submit()).rejects.toMatchObject(refusal(deleted.conversationId));
  });

  it('refuses a turn of another conversation', async () => {
    const [mine, theirs] = [await createCase(), await createCase()];
    await expect(mine.submit({ turnId: theirs.turnId, sentiment: 1 })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Turn not found',
    });
  });

  it('is refused when it is off, whatever was said', async () => {
    const { submit } = await createCase();
    await expect(submit({}, depsFor(false))).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: 'Storing feedback is disabled',
    });
  });
});

describe('deleting a conversation', () => {
  const deps = () => ({ ...recordChanges(), database: db.database, policy: { can: () => false } });

  it('deletes its feedback', async () => {
    const [gone, kept] = [await createCase(), await createCase()];
    await gone.submit();
    await kept.submit();
    await deleteConversation(deps(), gone.viewer, gone.conversationId);
    expect(await listStored(gone.conversationId)).toEqual([]);
    expect(await listStored(kept.conversationId)).toHaveLength(1);
  });

  it('leaves none behind that is given at the same moment', async () => {
    const cases = await Promise.all(Array.from({ length: 10 }, createCase));
    await Promise.allSettled(
      cases.flatMap(({ viewer, conversationId, submit }) => [
        submit(),
        deleteConversation(deps(), viewer, conversationId),
      ]),
    );
    const left = await Promise.all(cases.map(({ conversationId }) => listStored(conversationId)));
    expect(left.flat()).toEqual([]);
  });

  it('is needed for that: one that is there keeps its feedback', async () => {
    const { conversationId, submit } = await createCase();
    await submit();
    await eraseConversation(deps(), conversationId);
    expect(await listStored(conversationId)).toHaveLength(1);
  });
});

describe('the switch', () => {
  it('is what the configuration says until somebody switches it, and then beyond a restart', async () => {
    expect(await createFeedbackSwitch(configured(true)).isEnabled()).toBe(true);
    const off = createFeedbackSwitch(configured(false));
    expect(await off.isEnabled()).toBe(false);
    await off.setEnabled(true);
    expect(await off.isEnabled()).toBe(true);
    expect(await createFeedbackSwitch(configured(false)).isEnabled()).toBe(true);
    await off.setEnabled(false);
    expect(await createFeedbackSwitch(configured(true)).isEnabled()).toBe(false);
  });

  it('is seen on another node after at most 5 seconds, without asking the database each time', async () => {
    let now = 0;
    const here = createFeedbackSwitch(configured(true));
    const there = createFeedbackSwitch({ ...configured(true), now: () => now });
    expect(await there.isEnabled()).toBe(true);
    await here.setEnabled(false);
    now = 4_999;
    expect(await there.isEnabled()).toBe(true);
    now = 5_000;
    expect(await there.isEnabled()).toBe(false);
  });
});
