/** The mutation `query`: the same turn as a subscription's, for clients that can only wait. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { followTurn, toFollowing } from '../support/clients.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, status, stream, textResponse } from '../support/fake-backend-script.ts';

const PIECES = textResponse('One two.', { pieces: ['One ', 'two.'] });
let fake: FakeBackend;
let app: TestApp;

beforeAll(async () => {
  fake = await startFakeBackend();
  app = await startTestApp({ backend: fake.url });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

interface Asked {
  readonly outcome: string;
  readonly turn: {
    readonly id: string;
    readonly status: string;
    readonly answer: string;
    readonly error: { readonly code: string } | null;
    readonly conversation: { readonly id: string };
  };
}

async function ask(input: Readonly<Record<string, unknown>>): Promise<Asked> {
  const query = `mutation ($input: QueryInput!) {
    query(input: $input) { outcome turn { id status answer error { code } conversation { id } } }
  }`;
  const variables = { input: { query: 'Count.', generateTopicSummary: false, ...input } };
  const body = JSON.stringify({ query, variables });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(app.graphql, { method: 'POST', headers, body });
  const { data, errors } = (await response.json()) as { data: { query: Asked }; errors?: unknown };
  expect(errors).toBeUndefined();
  return data.query;
}

describe('a blocking query', () => {
  it('answers with the ended turn, stored and to be followed like any other', async () => {
    fake.reply(stream(PIECES));
    const { outcome, turn } = await ask({});
    expect(outcome).toBe('ACCEPTED');
    expect(turn).toMatchObject({ status: 'COMPLETED', answer: 'One two.', error: null });
    const events = await Array.fromAsync(followTurn(app, toFollowing(turn.id)));
    expect(events[0]?.data).toMatchObject({ turnEvents: { __typename: 'StartEvent' } });
    expect(events.at(-1)?.data).toMatchObject({ turnEvents: { __typename: 'EndEvent' } });
  });

  it('answers with the text so far when waitMs is over, and the turn goes on', async () => {
    const gate = createGate();
    fake.reply({ ...stream(PIECES), holds: { 5: gate } });
    const clientTurnId = newId();
    const count = fake.responses.length;
    const first = await ask({ clientTurnId, waitMs: 0 });
    expect(first).toMatchObject({ outcome: 'ACCEPTED', turn: { status: 'RUNNING' } });
    await expect
      .poll(() => ask({ clientTurnId, waitMs: 20 }))
      .toMatchObject({
        outcome: 'ATTACHED',
        turn: { id: first.turn.id, status: 'RUNNING', answer: 'One ' },
      });
    gate.release();
    expect(await ask({ clientTurnId })).toMatchObject({
      outcome: 'ATTACHED',
      turn: { id: first.turn.id, status: 'COMPLETED', answer: 'One two.' },
    });
    expect(fake.responses).toHaveLength(count + 1);
  });

  it('answers with a failed turn and its error when the backend fails, not with a GraphQL error', async () => {
    fake.reply(status(500, { error: { message: 'oops' } }));
    expect((await ask({})).turn).toMatchObject({ status: 'FAILED', error: { code: 'BACKEND_ERROR' } });
  });

  it('with whenBusy: INTERRUPT ends the turn that runs as SUPERSEDED, and its followers learn it', async () => {
    const gate = createGate();
    fake.reply({ ...stream(PIECES), holds: { 5: gate } });
    const { turn } = await ask({ waitMs: 0 });
    const followed = Array.fromAsync(followTurn(app, toFollowing(turn.id)));
    const next = await ask({ conversationId: turn.conversation.id, whenBusy: 'INTERRUPT' });
    expect(next).toMatchObject({ outcome: 'ACCEPTED', turn: { status: 'COMPLETED' } });
    expect((await followed).at(-1)?.data).toMatchObject({
      turnEvents: { __typename: 'InterruptedEvent', reason: 'SUPERSEDED' },
    });
  });
});
