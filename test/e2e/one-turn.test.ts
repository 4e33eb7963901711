/** Promise P3: one question is one turn and one call of the backend, however often, on whatever node and transport it is sent. */
import { expect, it } from 'vitest';
import { startTestNodes, type TestApp } from '../support/app.ts';
import { TRANSPORTS, toQuestion } from '../support/clients.ts';
import { findGaps, toFollowedEvents } from '../support/clients-events.ts';
import { startFakeBackend } from '../support/fake-backend.ts';
import { post } from '../support/transport-server.ts';

const KEYS = ['one', 'two', 'three'];
const PARALLEL = 50;
const QUESTION = 'Once?';
const ANSWER = 'An answer of the fake backend.';

/** Asks by the nth way and resolves with the turn's id when it has ended well. */
type Ask = (app: TestApp, clientTurnId: string) => Promise<string>;

const STREAMS = TRANSPORTS.map(
  ({ follow }): Ask =>
    async (app, clientTurnId) => {
      const events = toFollowedEvents(
        await Array.fromAsync(follow(app, toQuestion(QUESTION, { clientTurnId }))),
      );
      expect(findGaps(events)).toEqual([]);
      expect(events.at(-1)?.__typename).toBe('EndEvent');
      return events[0]?.turnId ?? '';
    },
);

/** The blocking form and the form that returns at once ask the same question. */
const POSTS = ['query', 'startTurn'].map(
  (field): Ask =>
    async (app, clientTurnId) => {
      const type = `${field.charAt(0).toUpperCase()}${field.slice(1)}Input`;
      const { body } = await post(app.graphql, {
        query: `mutation($input: ${type}!) { ${field}(input: $input) { turn { id } } }`,
        variables: { input: { query: QUESTION, clientTurnId } },
      });
      expect(body.errors).toBeUndefined();
      const data = body.data as Record<string, { readonly turn: { readonly id: string } }>;
      return data[field]?.turn.id ?? '';
    },
);

const WAYS = [...STREAMS, ...POSTS];

it('P3: the same clientTurnId over every transport and on two nodes, 50 at once, is one turn each', async () => {
  await using fake = await startFakeBackend();
  await using both = await startTestNodes({ backend: fake.url });
  const { nodes } = both;
  const asked = KEYS.flatMap((key) =>
    Array.from({ length: PARALLEL }, async (_, index) => {
      const ask = WAYS[index % WAYS.length] as Ask;
      const node = nodes[Math.floor(index / WAYS.length) % 2] as TestApp;
      return { key, turnId: await ask(node, key) };
    }),
  );
  const turns = await Promise.all(asked);
  for (const key of KEYS) {
    const ids = new Set(turns.filter((turn) => turn.key === key).map(({ turnId }) => turnId));
    expect(ids.size).toBe(1);
    const [id] = ids;
    await expect
      .poll(async () => {
        const query = `{ turn(id: "${id}") { status answer } }`;
        return (await post(nodes[1].graphql, { query })).body.data;
      })
      .toEqual({ turn: { status: 'COMPLETED', answer: ANSWER } });
  }
  expect(fake.responses).toHaveLength(KEYS.length);
}, 120_000);
