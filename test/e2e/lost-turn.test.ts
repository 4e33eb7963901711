/** A node that loses a turn to another one sends its followers to it, over every transport, and they lose nothing. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Follow, type Operation, TRANSPORTS, toFollowing } from '../support/clients.ts';
import { startTestEngine } from '../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, type Gate, stream, textResponse } from '../support/fake-backend-script.ts';
import { type SeenEvent, toHeld } from '../support/ws-follower.ts';

let gate: Gate;
let fake: FakeBackend;
let app: TestApp;

beforeEach(async () => {
  gate = createGate();
  fake = await startFakeBackend({
    onResponse: () => ({
      ...stream(textResponse('One two three.', { pieces: ['One ', 'two ', 'three.'] })),
      holds: { 6: gate },
    }),
  });
  app = await startTestApp({ backend: fake.url, config: { turns: { flushMs: 20 } } });
});
afterEach(async () => {
  gate.release();
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

async function startTurn(): Promise<string> {
  const query = 'mutation { startTurn(input: { query: "Count." }) { turn { id } } }';
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()).data.startTurn.turn.id;
}

/** Another node takes the turn for one whose owner is gone, and ends it; what it had said is stored by then. */
async function takeOver(turnId: string): Promise<void> {
  const config = { turns: { leaseMs: 500 } };
  await using other = await startTestEngine({ databaseUrl: app.databaseUrl, backend: fake.url, config });
  const { driver } = other.database;
  await expect
    .poll(() => driver`SELECT max(last_seq) AS last FROM turn_event_batch WHERE turn_id = ${turnId}`)
    .toEqual([{ last: 4 }]);
  await driver`UPDATE turn SET lease_until = now() - interval '1 second' WHERE id = ${turnId}`;
  await expect
    .poll(() => driver`SELECT interrupt_reason AS reason FROM turn WHERE id = ${turnId}`)
    .toEqual([{ reason: 'SERVER_LOST' }]);
}

/** To the end of the stream, however it ends. */
async function collect(follow: Follow, operation: Operation) {
  const events: SeenEvent[] = [];
  const errors: unknown[] = [];
  try {
    for await (const payload of follow(app, operation)) {
      if (payload.data) events.push(payload.data.turnEvents as SeenEvent);
      errors.push(...(payload.errors ?? []));
    }
  } catch (error) {
    errors.push(error);
  }
  return { events, errors };
}

/** The stream is cut: a stock client takes that, and not an error that it is told, as an invitation to come again. */
const CUT = {
  WebSocket: { code: 1012 },
  SSE: { message: 'Connection closed while having active streams' },
  multipart: { message: 'premature end of multipart body' },
} as const;

it.each(TRANSPORTS)('over $name', async ({ name, follow }) => {
  const turnId = await startTurn();
  const following = collect(follow, toFollowing(turnId));
  await takeOver(turnId);
  gate.release();
  const first = await following;
  expect(first.errors).toMatchObject([CUT[name]]);
  const rest = await collect(follow, toFollowing(turnId, first.events.at(-1)?.cursor));
  expect(rest.errors).toEqual([]);
  // What was told after the takeover is taken back.
  const held = toHeld([...first.events, ...rest.events]);
  expect(held.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  expect(held.at(-1)).toMatchObject({ reason: 'SERVER_LOST', answer: 'One two ' });
});
