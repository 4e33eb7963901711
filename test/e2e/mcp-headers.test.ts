/** MCP-HEADERS reach the MCP server by every transport: as a header, and over WebSocket in the connectionParams. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { ENTRIES } from '../support/entries.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';

let fake: FakeBackend;
let app: TestApp;

beforeAll(async () => {
  fake = await startFakeBackend();
  const headers = { 'X-Team': { from: 'client' as const }, Authorization: { from: 'kubernetes' as const } };
  const wiki = { name: 'wiki', url: 'http://127.0.0.1:9/mcp', allowPrivateAddresses: true, headers };
  app = await startTestApp({ backend: fake.url, config: { mcpServers: [wiki] } });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

const TEXT = '{"wiki":{"X-Team":"blue"}}';
const [overWebSocket] = ENTRIES;

it.each([
  ...ENTRIES.map((entry) => ({ ...entry, form: 'as a text', value: TEXT })),
  ...(overWebSocket ? [{ ...overWebSocket, form: 'as an object', value: JSON.parse(TEXT) }] : []),
])('$entry gives them $form, with the bearer token of the viewer', async ({ ask, value }) => {
  const count = fake.responses.length;
  const input = { query: 'Look it up.', generateTopicSummary: false };
  const payloads = await ask(app, input, { 'MCP-HEADERS': value, Authorization: 'Bearer a-token-of-ada' });
  expect(JSON.stringify(payloads)).not.toContain('MCP_SERVER_SKIPPED');
  const { body } = await fake.received(count + 1);
  expect(body.tools).toMatchObject([
    { server_label: 'wiki', headers: { 'X-Team': 'blue', Authorization: 'Bearer a-token-of-ada' } },
  ]);
});
