/** Naming new conversations: real Postgres, the real job queue, a fake backend. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBackend } from '../../../src/backend/client.ts';
import { createBackendRegistry } from '../../../src/backend/registry.ts';
import { registerTopicSummary, requestTopicSummary } from '../../../src/conversations/topic-summary.ts';
import { newId } from '../../../src/lib/ids.ts';
import type { FinishReason, TurnStatus } from '../../../src/types/turn.ts';
import { recordUsage } from '../../../src/usage/store.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { recordChanges } from '../../support/conversation-changes.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, status, stream, textResponse } from '../../support/fake-backend-script.ts';
import { startTestJobs, type TestJobs } from '../../support/jobs.ts';

const QUESTION = 'Why is the sky blue at noon?';

let db: TestDatabase;
let fake: FakeBackend;
let jobs: TestJobs;
let { announcer, announced } = recordChanges();

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());
beforeEach(async () => {
  fake = await startFakeBackend();
  jobs = await startTestJobs(db.url);
  ({ announcer, announced } = recordChanges());
  const unbounded = { id: 'unbounded', capabilities: { maxOutputTokens: false } };
  const registry = createBackendRegistry(
    [{}, unbounded].map((overrides) => createBackend(toBackendConfig(fake.url, overrides))),
  );
  const { database } = db;
  const generates = (provider: string): boolean => provider !== 'millrace';
  registerTopicSummary(jobs, { database, registry, announcer, generates, recordUsage });
  await jobs.start();
});
afterEach(async () => {
  await jobs[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

interface Asked {
  readonly provider?: string;
  readonly status?: Exclude<TurnStatus, 'RUNNING'>;
  readonly answer?: string;
  readonly finishReason?: FinishReason;
  readonly generateTopicSummary?: boolean;
  readonly conversationId?: string;
}

/** A turn that has ended, and what the transaction that ends it asks for. */
async function end(asked: Asked = {}) {
  const { provider = 'fake', answer = 'Because of air.', generateTopicSummary = true } = asked;
  const [turnId, conversationId, ownerId] = [newId(), asked.conversationId ?? newId(), 'ada'];
  const { driver } = db.database;
  await driver`INSERT INTO conversation (id, owner_id) VALUES (${conversationId}, ${ownerId})
    ON CONFLICT DO NOTHING`;
  await driver`INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model,
      answer, finish_reason, completed_at)
    VALUES (${turnId}, ${ownerId}, ${conversationId}, 'f', ${JSON.stringify({ generateTopicSummary })},
      ${asked.status ?? 'COMPLETED'}, ${QUESTION}, ${provider}, 'fake-model', ${answer},
      ${asked.finishReason ?? null}, now())`;
  await db.database.asWorker((tx) => requestTopicSummary(jobs, tx, turnId));
  return { turnId, conversationId, ownerId };
}

async function summaryOf(conversationId: string): Promise<string | null> {
  const [row] = await db.database.driver`SELECT topic_summary FROM conversation WHERE id = ${conversationId}`;
  return row?.topic_summary;
}

async function countJobs(turnId: string): Promise<number> {
  const rows = await db.database.driver`SELECT 1 FROM pgboss.job WHERE data ->> 'turnId' = ${turnId}`;
  return rows.length;
}

describe('the first turn of a conversation', () => {
  it('gives it a name of five words by one call without tools that is not stored', async () => {
    fake.onSummary = () => stream(textResponse('"The Colour of the Daytime Sky."'));
    const { conversationId, ownerId } = await end();
    await expect.poll(() => summaryOf(conversationId)).toBe('The Colour of the Daytime');
    expect(fake.summaries).toHaveLength(1);
    const [{ body } = { body: {} }] = fake.summaries;
    expect(body).toMatchObject({
      model: 'fake-model',
      store: false,
      input: [{ role: 'user', content: QUESTION }],
    });
    expect(body).not.toHaveProperty('tools');
    expect(announced).toEqual([{ kind: 'CONVERSATION_UPSERT', ownerId, conversationId }]);
  });

  it('is named without what its backend cannot take', async () => {
    fake.onSummary = ({ body }) =>
      'max_output_tokens' in body ? status(400) : stream(textResponse('Blue skies'));
    const { conversationId } = await end({ provider: 'unbounded' });
    await expect.poll(() => summaryOf(conversationId)).toBe('Blue skies');
    expect(fake.summaries).toHaveLength(1);
  });

  it('is named once, though two nodes ask for it', async () => {
    fake.onSummary = () => stream(textResponse('Blue skies'));
    const { turnId, conversationId } = await end();
    await db.database.asWorker((tx) => requestTopicSummary(jobs, tx, turnId));
    await expect.poll(() => summaryOf(conversationId)).toBe('Blue skies');
    await db.database.asWorker((tx) => requestTopicSummary(jobs, tx, turnId));
    expect(await countJobs(turnId)).toBe(1);
    expect(fake.summaries).toHaveLength(1);
  });

  it('is counted as TOPIC_SUMMARY in the usage of the day', async () => {
    const countTokens = async () => {
      const [row] = await db.database.driver`SELECT input_tokens, output_tokens FROM token_usage
        WHERE owner_id = 'ada' AND kind = 'TOPIC_SUMMARY' AND day = (now() AT TIME ZONE 'UTC')::date
          AND provider = 'fake' AND model = 'fake-model'`;
      return { input: Number(row?.input_tokens ?? 0), output: Number(row?.output_tokens ?? 0) };
    };
    const before = await countTokens();
    for (const text of ['One', 'Two']) {
      fake.onSummary = () => stream(textResponse(text, { usage: { inputTokens: 7, outputTokens: 2 } }));
      const { conversationId } = await end();
      await expect.poll(() => summaryOf(conversationId)).toBe(text);
    }
    expect(await countTokens()).toEqual({ input: before.input + 14, output: before.output + 4 });
  });

  it('that was interrupted with something to show names it, too', async () => {
    fake.onSummary = () => stream(textResponse('Blue skies'));
    const { conversationId } = await end({ status: 'INTERRUPTED' });
    await expect.poll(() => summaryOf(conversationId)).toBe('Blue skies');
  });

  it('answered without a language model gives its own first five words and calls nothing', async () => {
    const { conversationId } = await end({ provider: 'millrace' });
    await expect.poll(() => summaryOf(conversationId)).toBe('Why is the sky blue');
    expect(fake.journal).toEqual([]);
  });
});

describe('no summary is asked for', () => {
  it.each<readonly [string, Asked]>([
    ['when the question wants none', { generateTopicSummary: false }],
    ['after a failed turn', { status: 'FAILED' }],
    ['after a turn that was interrupted before it said anything', { status: 'INTERRUPTED', answer: '' }],
    ['of a question that a shield blocked', { finishReason: 'SHIELD_BLOCKED' }],
  ])('%s', async (_when, asked) => {
    expect(await countJobs((await end(asked)).turnId)).toBe(0);
  });

  it('after a later turn, though the first one wanted none', async () => {
    const { conversationId } = await end({ generateTopicSummary: false });
    expect(await countJobs((await end({ conversationId })).turnId)).toBe(0);
  });

  it('but after the first turn that has something to show', async () => {
    const { conversationId } = await end({ status: 'FAILED' });
    await end({ conversationId });
    await expect.poll(() => summaryOf(conversationId)).toBe('A topic');
  });
});

describe('a call that fails', () => {
  it('is logged and made again', async () => {
    const replies = [
      status(500, { error: { message: 'overloaded' } }),
      stream(textResponse(' ... ')),
      stream(textResponse('Blue skies')),
    ];
    fake.onSummary = () => replies.shift() ?? status(500);
    const { conversationId } = await end();
    await expect.poll(() => summaryOf(conversationId), { timeout: 15_000 }).toBe('Blue skies');
    const again = { level: 'warn', message: 'a job failed and is tried again' };
    expect(jobs.log.lines).toEqual([again, again]);
  });

  it('is given up after three more, and the conversation stays without a name', async () => {
    fake.onSummary = () => status(500, { error: { message: 'overloaded' } });
    const { conversationId } = await end();
    await expect
      .poll(() => jobs.log.lines.at(-1)?.message, { timeout: 15_000 })
      .toBe('a job failed and is given up');
    expect(fake.summaries).toHaveLength(4);
    expect(await summaryOf(conversationId)).toBeNull();
  });
});

describe('a name that comes late', () => {
  it.each([
    ['stays away where the viewer gave one meanwhile', "topic_summary = 'Mine'", 'Mine'],
    ['stays away from a conversation that was deleted meanwhile', 'deleted_at = now()', null],
  ])('%s', async (_title, change, kept) => {
    const gate = createGate();
    fake.onSummary = () => ({ ...stream(textResponse('Blue skies')), holds: { 0: gate } });
    const { turnId, conversationId } = await end();
    await expect.poll(() => fake.summaries).toHaveLength(1);
    await db.database
      .driver`UPDATE conversation SET ${db.database.driver.unsafe(change)} WHERE id = ${conversationId}`;
    gate.release();
    await expect
      .poll(async () => {
        const [job] = await db.database
          .driver`SELECT state FROM pgboss.job WHERE data ->> 'turnId' = ${turnId}`;
        return job?.state;
      })
      .toBe('completed');
    expect(await summaryOf(conversationId)).toBe(kept);
    expect(announced).toEqual([]);
  });
});
