/** Faults of the service that Millrace succeeds, which must not come back; those of the translation stand in translation.test.ts. */
import { describe, expect, it } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { followTurn, type Payload, toQuestion } from '../support/clients.ts';
import { startFakeBackend } from '../support/fake-backend.ts';
import { status } from '../support/fake-backend-script.ts';

const typeOf = ({ data }: Payload): unknown =>
  (data?.streamingQuery as { readonly __typename?: unknown })?.__typename;

const conversationOf = ([start]: readonly Payload[]): unknown =>
  (start?.data?.streamingQuery as { readonly conversationId?: unknown })?.conversationId;

async function ask(app: TestApp, headers: Record<string, string>): Promise<string> {
  const query = 'subscription { streamingQuery(input: { query: "Hello?" }) { __typename } }';
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify({ query }),
  });
  return response.text();
}

describe('the predecessor', () => {
  it('threw a finished answer away when its topic could not be summarised', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    fake.onSummary = () => status(500, { error: { message: 'no topics today' } });
    const events = await Array.fromAsync(followTurn(app, toQuestion('Hello?')));
    expect(events.map(typeOf).slice(-2)).toEqual(['TurnCompleteEvent', 'EndEvent']);
    await expect.poll(() => fake.summaries.length, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(events.at(-1)?.data?.streamingQuery).toMatchObject({ turn: { status: 'COMPLETED' } });
  });

  it('counted a model call twice', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    await Array.fromAsync(followTurn(app, toQuestion('Hello?')));
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toContain('ls_llm_calls_total{provider="fake",model="fake-model"} 1\n');
    expect(metrics).toContain('millrace_turns_started_total{provider="fake",model="fake-model"} 1\n');
  });

  it("could send one viewer's credentials with another's question", async () => {
    await using fake = await startFakeBackend();
    const url = 'http://127.0.0.1:9/mcp';
    const headers = { Authorization: { from: 'kubernetes' as const } };
    const mcpServers = [{ name: 'wiki', url, allowPrivateAddresses: true, headers }];
    const backends = [{ id: 'fake', baseUrl: fake.url, apiKey: 'key-of-the-backend' }];
    await using app = await startTestApp({ backend: fake.url, config: { backends, mcpServers } });
    const tokens = ['token-of-anna', 'token-of-bert', undefined];
    await Promise.all(tokens.map((token) => ask(app, token ? { authorization: `Bearer ${token}` } : {})));
    const sent = fake.responses.map(({ body, headers: { authorization } }) => {
      expect(authorization).toBe('Bearer key-of-the-backend');
      return JSON.stringify(body.tools ?? []).match(/token-of-\w+/g) ?? [];
    });
    expect(sent.toSorted()).toEqual([[], ['token-of-anna'], ['token-of-bert']]);
  });

  it('answered all but one of several first requests at once with a fault', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    const asked = Array.from({ length: 20 }, () => Array.fromAsync(followTurn(app, toQuestion('Hello?'))));
    const turns = await Promise.all(asked);
    expect(turns.map((events) => typeOf(events.at(-1) ?? {}))).toEqual(turns.map(() => 'EndEvent'));
    expect(new Set(turns.map(conversationOf)).size).toBe(turns.length);
  });

  it('let a question into a conversation of which there is no row', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    const [refusal] = await Array.fromAsync(
      followTurn(app, toQuestion('Hello?', { conversationId: newId() })),
    );
    expect(refusal?.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    expect(fake.responses).toHaveLength(0);
  });
});
