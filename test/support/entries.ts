/** Every way to ask a question, and what a refusal at each of them looks like: one error, and no trace. */
import { expect } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import type { ErrorCode } from '../../src/types/error-code.ts';
import type { TestApp } from './app.ts';
import { type Headers, type Payload, TRANSPORTS, toQuestion } from './clients.ts';
import type { FakeBackend } from './fake-backend.ts';

export type Input = Readonly<Record<string, unknown>>;
export type Ask = (server: TestApp, input: Input, headers?: Headers) => Promise<readonly Payload[]>;

export interface Entry {
  readonly entry: string;
  readonly ask: Ask;
}

const byMutation =
  (field: string, type: string): Ask =>
  async ({ graphql }, input, headers = {}) => {
    const query = `mutation ($input: ${type}!) { ${field}(input: $input) { turn { id status error { code message } } } }`;
    const body = JSON.stringify({ query, variables: { input } });
    const texts = Object.entries(headers).map(([name, value]) => [name, String(value)]);
    const response = await fetch(graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...Object.fromEntries(texts) },
      body,
    });
    return [(await response.json()) as Payload];
  };

/** An error that concerns the whole operation, as graphql-ws throws it, is a payload like those of the other clients. */
function toPayloads(reason: unknown): readonly Payload[] {
  if (!Array.isArray(reason)) throw reason;
  return [{ errors: reason }];
}

/** Those that follow the turn. */
export const STREAMING_ENTRIES: readonly Entry[] = TRANSPORTS.map(({ name, follow }) => ({
  entry: `streamingQuery over ${name}`,
  ask: (server, { query, ...rest }, headers) =>
    Array.fromAsync(follow(server, toQuestion(String(query), rest), headers)).catch(toPayloads),
}));

export const ENTRIES: readonly Entry[] = [
  ...STREAMING_ENTRIES,
  { entry: 'query by POST', ask: byMutation('query', 'QueryInput') },
  { entry: 'startTurn by POST', ask: byMutation('startTurn', 'StartTurnInput') },
];

/** Rows of questions in the database, and what the backend was called for. */
export async function countTraces(database: Database, fake: FakeBackend): Promise<Input> {
  const [row] = await database.driver`
    SELECT (SELECT count(*)::int FROM turn) AS turns, (SELECT count(*)::int FROM conversation) AS conversations,
      (SELECT count(*)::int FROM turn_event_batch) AS events, (SELECT count(*)::int FROM turn_attachment) AS attachments`;
  const judged = fake.journal.filter(({ path }) => path === '/v1/moderations').length;
  return { ...row, calls: fake.responses.length, judged };
}

export interface Refused {
  readonly code: ErrorCode;
  readonly message: string | RegExp;
  readonly explanation?: RegExp;
}

const isCause = (cause: unknown): boolean => cause === null || typeof cause === 'string';

/** Nothing came back but one error. */
export async function expectRefusal(
  asking: Promise<readonly Payload[]>,
  { code, message, explanation }: Refused,
): Promise<void> {
  const payloads = await asking;
  expect(payloads).toHaveLength(1);
  expect(payloads[0]?.errors).toMatchObject([
    {
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      extensions: {
        code,
        requestId: expect.any(String),
        cause: explanation ? expect.stringMatching(explanation) : expect.toSatisfy(isCause),
      },
    },
  ]);
  expect(payloads[0]?.data ?? null).toBeNull();
}
