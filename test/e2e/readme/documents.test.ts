import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { getSnippets, type Snippet } from '../../support/readme.ts';

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null | undefined;
  readonly errors?: readonly unknown[] | undefined;
}

let app: TestApp;
beforeAll(async () => {
  const daily = { name: 'daily', kind: 'USER', initialQuota: 1_000_000, period: '1 day' } as const;
  app = await startTestApp({ config: { quotas: { limiters: [daily] } } });
});
afterAll(() => app[Symbol.asyncDispose]());

async function ask(query: string, variables: Readonly<Record<string, unknown>>): Promise<readonly Result[]> {
  const client = createClient({ url: app.ws, retryAttempts: 0 });
  const results: Result[] = [];
  for await (const result of client.iterate({ query, variables: { ...variables } })) results.push(result);
  await client.dispose();
  return results;
}

/** Of a turn that has ended: its id, and the cursor of its first event. */
async function endTurn() {
  const query =
    'subscription { streamingQuery(input: { query: "Hello" }) { ... on TurnEvent { turnId cursor } } }';
  const [first] = await ask(query, {});
  const event = first?.data?.streamingQuery;
  if (event === undefined) throw new Error('The question was not answered');
  const { turnId, cursor } = event as { readonly turnId: string; readonly cursor: string };
  return { turnId, after: cursor };
}

async function toVariables({ text, json }: Snippet): Promise<Readonly<Record<string, unknown>>> {
  if (json !== undefined) return JSON.parse(json);
  const { turnId, after } = await endTurn();
  return text.includes('CancelTurnInput') ? { input: { turnId } } : { turnId, after };
}

it.each(getSnippets('graphql'))('the document of $place is answered without an error', async (snippet) => {
  const results = await ask(snippet.text, await toVariables(snippet));
  expect(results.flatMap(({ errors = [] }) => errors)).toEqual([]);
  const values = results.flatMap(({ data }) => Object.values(data ?? {}));
  expect(values.length).toBeGreaterThan(0);
  expect(values).not.toContain(null);
  if (!snippet.text.startsWith('subscription')) return;
  expect(values.length).toBeGreaterThan(3);
  expect(values.at(-1)).toMatchObject({ __typename: 'EndEvent' });
});
