import { expect, it } from 'vitest';
import { startTestApp } from '../support/app.ts';
import { TRANSPORTS, toQuestion } from '../support/clients.ts';
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
