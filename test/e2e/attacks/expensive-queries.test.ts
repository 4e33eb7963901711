/** Attacks by many expensive queries: each is served or refused, and others are answered meanwhile. */
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readResults } from '../../support/attack-senders.ts';
import { type AttackedApp, startAttackedApp } from '../../support/attacked-app.ts';
import { insertConversation, insertTurn } from '../../support/conversation-rows.ts';

/** Of one viewer, in a time that no test lasts. */
const OPERATIONS = 40;
const AT_ONCE = 100;
const FLOODER = 'flooder';
const LIGHT = '{ serviceInfo { name } }';

let limited: AttackedApp;
beforeAll(async () => {
  limited = await startAttackedApp({ limits: { operationRate: { count: OPERATIONS, seconds: 3_600 } } });
  const driver = postgres(limited.app.databaseUrl, { max: 1, onnotice: () => {} });
  for (let index = 0; index < 20; index += 1) {
    const conversationId = await insertConversation(driver, { ownerId: FLOODER });
    for (let turn = 0; turn < 5; turn += 1) await insertTurn(driver, { conversationId, ownerId: FLOODER });
  }
  await driver.end();
});
afterAll(() => limited[Symbol.asyncDispose]());

async function post({ graphql }: { readonly graphql: string }, query: string, viewer: string) {
  const headers = { 'content-type': 'application/json', user_id: viewer };
  const response = await fetch(graphql, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const [result] = readResults(await response.text(), 'application/json');
  return { status: response.status, retryAfter: response.headers.get('retry-after'), result };
}

const HEAVY =
  '{ conversations(first: 20) { edges { node { id turns(first: 20) { edges { node { id query answer status model } } } } } } }';

it('a hundred expensive queries at once are served up to the rate and else RATE_LIMITED with retryAfterMs, and others are answered meanwhile', async () => {
  const flood = Promise.all(Array.from({ length: AT_ONCE }, () => post(limited.app, HEAVY, FLOODER)));
  const others = Array.from({ length: 10 }, (_, index) => post(limited.app, LIGHT, `other ${index}`));
  for (const { status, result } of await Promise.all(others)) {
    expect([status, result?.errors]).toEqual([200, undefined]);
  }
  const answers = await flood;
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(OPERATIONS);
  expect(refused).toHaveLength(AT_ONCE - OPERATIONS);
  for (const { result, retryAfter } of refused) {
    expect(result?.errors).toMatchObject([
      { extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } },
    ]);
    expect(Number(retryAfter)).toBeGreaterThan(0);
  }
  expect((await post(limited.app, LIGHT, 'another')).status).toBe(200);
});
