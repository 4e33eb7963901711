/** Attacks by documents, their variables and ids, over POST, GET, SSE, multipart and WebSocket: each gets its code and nothing else happens. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answeredSoon } from '../../support/answered-soon.ts';
import { type Attack, HOSTILE_DOCUMENTS } from '../../support/attack-documents.ts';
import { fits, SENDERS, SENDERS_OF, type SenderName } from '../../support/attack-senders.ts';
import { type AttackedApp, startAttackedApp, type Traces } from '../../support/attacked-app.ts';

let attacked: AttackedApp;
beforeAll(async () => {
  attacked = await startAttackedApp();
});
afterAll(() => attacked[Symbol.asyncDispose]());
afterEach(() => attacked.requireUnharmed());

const names = Object.keys(SENDERS) as readonly SenderName[];
const takes = (name: SenderName, attack: Attack): boolean =>
  (attack.kind === 'any' || SENDERS_OF[attack.kind].includes(name)) && fits(name, attack);
const rows = names.flatMap((name) =>
  HOSTILE_DOCUMENTS.filter((attack) => takes(name, attack)).map((attack) => ({
    name,
    attack,
    title: `${name}: ${attack.title}`,
  })),
);

it('are at least 200, on every transport', () => {
  expect(rows.length).toBeGreaterThan(200);
  for (const name of names) expect(rows.filter((row) => row.name === name).length).toBeGreaterThan(30);
});

it('would show if they did harm: a question in earnest leaves all traces', async () => {
  const before = await attacked.look();
  await SENDERS.SSE(attacked.app, {
    query: 'subscription { streamingQuery(input: { query: "Why?" }) { __typename } }',
  });
  await attacked.forgive();
  for (const [name, trace] of Object.entries(await attacked.look())) {
    expect([name, trace]).not.toEqual([name, before[name as keyof Traces]]);
  }
});

describe('an attack', () => {
  it.each(rows)('$title', async ({ name, attack }) => {
    const { query, variables, operationName, code } = attack;
    const { codes, text } = await answeredSoon(() =>
      SENDERS[name](attacked.app, { query, variables, operationName }),
    );
    expect(codes).toContain(code);
    expect(text).not.toMatch(
      /originalError|stacktrace|node_modules|Did you mean (?!.{1,3}serviceInfo \{)|\bat \w+ \(/,
    );
  });
});
