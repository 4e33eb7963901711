/** Feedback through the API, on Postgres. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFeedbackSwitch } from '../../../src/feedback/feedback-switch.ts';
import { newId } from '../../../src/lib/ids.ts';
import { insertConversation } from '../../support/conversation-rows.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createContext, errorsOf, run } from '../../support/graphql.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
});

function contextOf(isAdmin = false) {
  const { database } = db;
  const feedbackSwitch = createFeedbackSwitch({ database, config: { feedback: { enabled: true } } });
  const viewer = { id: newId(), name: 'Ada', roles: ['*'] };
  const policy = isAdmin ? { policy: { can: () => true } } : {};
  return createContext({ viewer, services: { database, feedbackSwitch, ...policy } });
}

const SUBMIT = `mutation ($input: SubmitFeedbackInput!) {
  submitFeedback(input: $input) { feedback { conversationId turnId sentiment text categories } }
}`;
const SWITCH =
  'mutation ($on: Boolean!) { setFeedbackEnabled(input: { enabled: $on }) { feedbackStatus { enabled } } }';
const STATUS = '{ feedbackStatus { enabled } }';

describe('submitFeedback', () => {
  it('takes the id of a conversation in each of its forms', async () => {
    const context = contextOf();
    const conversationId = await insertConversation(db.database.driver, { ownerId: context.viewer.id });
    const given = { question: 'Why?', answer: 'So.', sentiment: -1, categories: ['INCORRECT'] };
    const input = { conversationId: `conv_${conversationId.toUpperCase()}`, ...given };
    expect(await run(SUBMIT, context, { input })).toEqual({
      data: {
        submitFeedback: {
          feedback: { conversationId, turnId: null, sentiment: -1, text: null, categories: ['INCORRECT'] },
        },
      },
    });
  });

  it('refuses what is no id', async () => {
    const input = { conversationId: 'x', question: 'Why?', answer: 'So.', sentiment: 1 };
    expect(errorsOf(await run(SUBMIT, contextOf(), { input }))).toEqual([
      { code: 'BAD_USER_INPUT', message: "Improper conversation ID 'x'" },
    ]);
  });
});

describe('setFeedbackEnabled', () => {
  it('switches it for everyone, and feedbackStatus tells', async () => {
    const admin = contextOf(true);
    expect(await run(STATUS, admin)).toEqual({ data: { feedbackStatus: { enabled: true } } });
    expect(await run(SWITCH, admin, { on: false })).toEqual({
      data: { setFeedbackEnabled: { feedbackStatus: { enabled: false } } },
    });
    expect(await run(STATUS, admin)).toEqual({ data: { feedbackStatus: { enabled: false } } });
    expect(await run(STATUS, contextOf())).toEqual({ data: { feedbackStatus: { enabled: false } } });
  });

  it('is for administrators', async () => {
    expect(errorsOf(await run(SWITCH, contextOf(), { on: false }))).toMatchObject([{ code: 'FORBIDDEN' }]);
  });
});
