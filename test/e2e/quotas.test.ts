/** Quotas as clients see them: refused before anything is called, told at the end, adjusted by those who may. Every transport: turn-limits.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { stream, textResponse } from '../support/fake-backend-script.ts';
import { findBookErrors, toLimiter } from '../support/quotas.ts';

let db: TestDatabase;
let fake: FakeBackend;
let app: TestApp;

const KEYS = { ada: 'the-key-of-ada-which-is-long', root: 'the-key-of-root-which-is-long' };
type Name = keyof typeof KEYS;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend({
    onResponse: () => stream(textResponse('Yes.', { usage: { inputTokens: 100, outputTokens: 900 } })),
  });
  // The connection of the test itself is there before the sockets of the application are counted.
  await db.database.ping();
  app = await startTestApp({ backend: fake.url, databaseUrl: db.url, config: toConfig() });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

function toConfig() {
  const keys = Object.entries(KEYS).map(([id, key]) => ({ id, key, roles: [id] }));
  const all = ['INFO', 'QUERY', 'STREAMING_QUERY', 'GET_CONVERSATION'] as const;
  return {
    authentication: { module: 'api-key-token' as const, apiKey: { keys } },
    authorization: {
      accessRules: [
        { role: '*', actions: [...all] },
        { role: 'root', actions: ['MANAGE_QUOTAS' as const, 'READ_OTHERS_CONVERSATIONS' as const] },
      ],
    },
    quotas: {
      limiters: [
        toLimiter('mine', { initialQuota: 2_000 }),
        toLimiter('all', { kind: 'CLUSTER' as const, initialQuota: 1_000_000, period: '1 month' }),
      ],
    },
  };
}

async function post(name: Name, query: string, variables: object = {}) {
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEYS[name]}` },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

/** Everything that comes for the field of a subscription. */
async function follow(name: Name, field: string): Promise<string> {
  const query = `subscription { ${field} { ... on EndEvent { availableQuotas { limiter subject available } } } }`;
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${KEYS[name]}`,
    },
    body: JSON.stringify({ query }),
  });
  return response.text();
}

const QUOTAS = '{ quotas { limiter subject available reserved overrun initial increase period resetAt } }';
const ASK = 'mutation { query(input: { query: "May I?" }) { turn { status } } }';
const ADJUST = `mutation ($input: AdjustQuotaInput!) { adjustQuota(input: $input) { quota { limiter available } } }`;
const adjust = (name: Name, input: object) => post(name, ADJUST, { input });

async function countRows(): Promise<readonly number[]> {
  const [row] = await db.database.driver`
    SELECT (SELECT count(*) FROM turn) AS turns, (SELECT count(*) FROM conversation) AS conversations,
      (SELECT count(*) FROM quota_ledger) AS entries`;
  return [...Object.values(row ?? {}).map(Number), fake.responses.length];
}

describe('a viewer', () => {
  it('sees the balances and what the turns of each day took', async () => {
    expect(await post('ada', '{ usage { day } }')).toEqual({ data: { usage: [] } });
    await post('ada', ASK);
    const { data } = await post('ada', QUOTAS);
    const resetAt = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(data.quotas).toEqual([
      {
        limiter: 'mine',
        subject: 'USER',
        available: 1_000,
        reserved: 0,
        overrun: 0,
        initial: 2_000,
        increase: 0,
        period: '1 day',
        resetAt,
      },
      {
        limiter: 'all',
        subject: 'CLUSTER',
        available: 999_000,
        reserved: 0,
        overrun: 0,
        initial: 1_000_000,
        increase: 0,
        period: '1 month',
        resetAt,
      },
    ]);
    const usage = await post('ada', '{ usage(days: 2) { provider model kind inputTokens outputTokens } }');
    expect(usage.data.usage[0]).toEqual({
      provider: 'fake',
      model: 'fake-model',
      kind: 'TURN',
      inputTokens: 100,
      outputTokens: 900,
    });
    expect((await post('ada', '{ usage(days: 0) { day } }')).errors[0].extensions.code).toBe(
      'BAD_USER_INPUT',
    );
  });

  it('is told at the end of a turn what is left', async () => {
    expect(await follow('ada', 'streamingQuery(input: { query: "And now?" })')).toContain(
      '"availableQuotas":[{"limiter":"mine","subject":"USER","available":0},{"limiter":"all","subject":"CLUSTER","available":998000}]',
    );
  });

  it('is refused with the exact words, before anything is stored or called', async () => {
    const before = await countRows();
    const quotas = await post('ada', QUOTAS);
    const { errors, data } = await post('ada', ASK);
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      {
        message: 'The quota has been exceeded',
        extensions: {
          code: 'QUOTA_EXCEEDED',
          cause: 'User ada has no available tokens',
          retryable: false,
          resetAt: quotas.data.quotas[0].resetAt,
        },
      },
    ]);
    expect(await countRows()).toEqual(before);
  });
});

describe('adjustQuota', () => {
  it('is for those who may manage quotas', async () => {
    const { errors } = await adjust('ada', { limiter: 'mine', viewerId: 'ada', amount: 5 });
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });

  it.each([
    ['an unknown limiter', { limiter: 'none', amount: 1 }, 'NOT_FOUND', 'Limiter not found'],
    ['a balance of nobody', { limiter: 'mine', amount: 1 }, 'BAD_USER_INPUT', /name one by viewerId/],
    [
      'a viewer where all share one',
      { limiter: 'all', viewerId: 'ada', amount: 1 },
      'BAD_USER_INPUT',
      /leave viewerId out/,
    ],
    ['less than nothing', { limiter: 'mine', viewerId: 'ada', amount: -5 }, 'BAD_USER_INPUT', /below zero/],
  ])('refuses %s', async (_what, input, code, message) => {
    const before = await countRows();
    const { errors } = await adjust('root', input);
    expect(errors).toMatchObject([{ message: expect.stringMatching(message), extensions: { code } }]);
    expect(await countRows()).toEqual(before);
  });

  it('gives tokens, and the ledger says who did it', async () => {
    expect(await adjust('root', { limiter: 'mine', viewerId: 'ada', amount: 300 })).toEqual({
      data: { adjustQuota: { quota: { limiter: 'mine', available: 300 } } },
    });
    const rows = await db.database.driver`
      SELECT owner_id, amount::int, actor_id FROM quota_ledger WHERE kind = 'ADJUST'`;
    expect([...rows]).toEqual([{ owner_id: 'ada', amount: 300, actor_id: 'root' }]);
    const audited = await db.database.driver`SELECT actor_id, action, subject_id, target_id FROM audit_log`;
    expect([...audited]).toEqual([
      { actor_id: 'root', action: 'MANAGE_QUOTAS', subject_id: 'ada', target_id: 'mine' },
    ]);
    const { data } = await post('ada', ASK);
    expect(data.query.turn.status).toBe('COMPLETED');
    const after = await post('ada', QUOTAS);
    expect(after.data.quotas[0]).toMatchObject({ available: 0, overrun: 700 });
    expect(await findBookErrors(db.database)).toEqual([]);
  });
});

describe('somebody else who may read the turn', () => {
  it('follows it and is not told what is left to its owner', async () => {
    const rows = await db.database.driver`SELECT id FROM turn WHERE owner_id = 'ada' LIMIT 1`;
    const field = `turnEvents(turnId: "${rows[0]?.id}")`;
    expect(await follow('root', field)).toContain('"availableQuotas":[]');
    expect(await follow('ada', field)).toContain('"availableQuotas":[{"limiter":"mine"');
  });
});
