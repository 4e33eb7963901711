import { createClient } from 'graphql-ws';
import { expect, it } from 'vitest';
import { delay } from '../../src/lib/abort.ts';
import { startTestApp } from '../support/app.ts';
import { TRANSPORTS, toQuestion } from '../support/clients.ts';
import { createTestDatabase } from '../support/database.ts';
import { startFakeBackend } from '../support/fake-backend.ts';
import { createGate, stream } from '../support/fake-backend-script.ts';
import { plainAnswer } from '../support/streams.ts';

/** Well below the five seconds after which the server cuts the connections that are still there. */
const PROMPT_MS = 3_000;

it.each(TRANSPORTS)('a follower over $name does not hold up the end of the server', async ({ follow }) => {
  await using fake = await startFakeBackend();
  const app = await startTestApp({ backend: fake.url });
  fake.reply(stream(plainAnswer, { holds: { 3: createGate() } }));
  const asking = follow(app, toQuestion('What does the tide do?'));
  await asking.next();
  const rest = Array.fromAsync(asking);
  const startedAt = performance.now();
  await Promise.all([app[Symbol.asyncDispose](), expect(rest).rejects.toBeDefined()]);
  expect(performance.now() - startedAt).toBeLessThan(PROMPT_MS);
});

/** A question on a socket of Node's own WebSocket, which tells a failed connection as an error. */
function follow(url: string) {
  const client = createClient({
    url,
    shouldRetry: () => true,
    retryWait: () => delay(50),
    retryAttempts: 100,
  });
  const query = `subscription { event: streamingQuery(input: { query: "What does the tide do?" })
    { __typename ... on TurnEvent { turnId } ... on InterruptedEvent { reason } } }`;
  return client.iterate<{ event: Seen }>({ query });
}

interface Seen {
  readonly __typename: string;
  readonly turnId: string;
  readonly reason?: string;
}

it('a stock client that retries finds its turn again when the server is back, and asks nothing twice', async () => {
  await using fake = await startFakeBackend();
  await using database = await createTestDatabase();
  const first = await startTestApp({ backend: fake.url, databaseUrl: database.url });
  fake.reply(stream(plainAnswer, { holds: { 5: createGate() } }));
  const following = follow(first.ws);
  const before = await following.next();
  await first[Symbol.asyncDispose]();
  const server = { port: Number(new URL(first.url).port) };
  await using _second = await startTestApp({
    backend: fake.url,
    databaseUrl: database.url,
    config: { server },
  });
  const after = (await Array.fromAsync(following)).map(({ data }) => data?.event);
  expect(after.at(-1)).toMatchObject({ reason: 'SHUTDOWN', turnId: before.value?.data?.event.turnId });
  expect(after.map((event) => event?.__typename)).toContain('StartEvent');
  expect(fake.responses).toHaveLength(1);
});
