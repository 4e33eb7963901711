/** A node that leaves, as its clients and its operator see it from the first moment to the last. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Follow, type Payload, TRANSPORTS, toQuestion } from '../support/clients.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, type Gate, stream } from '../support/fake-backend-script.ts';
import { refusedUpgrade } from '../support/raw-socket.ts';
import { plainAnswer } from '../support/streams.ts';
import { post } from '../support/transport-server.ts';

const KEY = { clientTurnId: 'asked-before' };
const REFUSED = [{ extensions: { code: 'SHUTTING_DOWN', retryable: true, retryAfterMs: 1_000 } }];
const toTransport = (wanted: string): Follow => {
  const found = TRANSPORTS.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`There is no transport ${wanted}`);
  return found.follow;
};

let fake: FakeBackend;
let app: TestApp;
let gate: Gate;
/** Settles when the node has nothing left to wait for: not before the gate is released. */
let draining: Promise<void>;

beforeEach(async () => {
  fake = await startFakeBackend();
  app = await startTestApp({ backend: fake.url });
  gate = createGate();
  fake.reply(stream(plainAnswer, { holds: { 5: gate } }));
  const asking = toTransport('SSE')(app, toQuestion('What does the tide do?', KEY));
  await asking.next();
  draining = app.drain();
  // Sent elsewhere.
  await expect(Array.fromAsync(asking)).rejects.toBeDefined();
});
afterEach(async () => {
  gate.release();
  await draining;
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

const probe = async (path: string): Promise<number> => (await fetch(`${app.url}${path}`)).status;

describe('P9: a node that drains', () => {
  it.each(['SSE', 'multipart'])('refuses a new question over %s, and asks nobody', async (name) => {
    const answers = await Array.fromAsync(toTransport(name)(app, toQuestion('And now?'))).catch(
      ({ errors = [] }: { errors?: Payload['errors'] }) => [{ errors }],
    );
    expect(answers).toMatchObject([{ errors: REFUSED }]);
    expect(fake.responses).toHaveLength(1);
  });

  it('refuses a new question over POST', async () => {
    const query = 'mutation { query(input: { query: "And now?" }) { __typename } }';
    const { body } = await post(app.graphql, { query });
    expect(body.errors).toMatchObject(REFUSED);
    expect(fake.responses).toHaveLength(1);
  });

  it('takes no new WebSocket', async () => {
    expect(await refusedUpgrade(app.ws)).toBe(503);
  });

  it('answers other requests, and a question that has its turn already', async () => {
    expect((await post(app.graphql, { query: '{ serviceInfo { name } }' })).body.errors).toBeUndefined();
    const again = Array.fromAsync(toTransport('SSE')(app, toQuestion('What does the tide do?', KEY)));
    gate.release();
    expect((await again).at(-1)).toMatchObject({ data: { streamingQuery: { __typename: 'EndEvent' } } });
    expect(fake.responses).toHaveLength(1);
  });

  it('is alive and not ready until the end, and says why', async () => {
    let isOver = false;
    const over = draining.then(() => {
      isOver = true;
    });
    for (let look = 0; look < 20; look += 1) {
      expect([await probe('/readyz'), await probe('/livez')]).toEqual([503, 200]);
    }
    expect(await (await fetch(`${app.url}/readyz`)).json()).toMatchObject({
      status: 'not ready',
      reasons: [expect.any(String)],
    });
    expect(isOver).toBe(false);
    gate.release();
    await over;
    expect([await probe('/readyz'), await probe('/livez')]).toEqual([503, 200]);
  });
});
