/** Traps of what must not get out: what headers hold, in a server's complaint, and what people said, in a failed statement. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JsonObject } from '../../src/types/json.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { collectEvents, createViewer, startTestEngine } from '../support/engine.ts';
import { startFakeBackend } from '../support/fake-backend.ts';
import { type Script, status, stream, textResponse } from '../support/fake-backend-script.ts';

const viewer = createViewer();
const HEADERS = ['literal-9f8e7d', 'opaque.bearer.42', 'from-the-client'];
const API_KEY = 'plainkey0123456789abcdef';
const MCP_HOST = '10.9.8.7:9123';
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());

/** As FastAPI complains of a body: it quotes all of it. */
const quote = (complaint: string): Script =>
  status(422, { detail: [{ type: 'extra_forbidden', loc: ['body', 'tools'], input: complaint }] });
const end = (type: string, response: JsonObject) => (complaint: string) =>
  stream([{ type, response: { ...response, error: { message: complaint } } }]);
const item =
  (fields: (complaint: string) => JsonObject) =>
  (complaint: string): Script => {
    const told = { id: 'one', server_label: 'wiki', name: 'read', arguments: '{}', ...fields(complaint) };
    const [created = {}, ...rest] = textResponse('Done');
    return stream([created, { type: 'response.output_item.done', output_index: 0, item: told }, ...rest]);
  };
const unseen = (complaint: string): Script =>
  stream([
    {
      type: 'response.completed',
      response: { status: 'completed', output: [{ id: 'one', type: 'mcp_call', error: complaint }] },
    },
  ]);

it.each([
  ['an HTTP error', quote],
  ['a failed response', end('response.failed', {})],
  ['a response that is completed as failed', end('response.completed', { status: 'failed' })],
  ['a frame without a type', (complaint: string) => stream([{ type: null, error: complaint }])],
  ['a call that failed', item((complaint) => ({ type: 'mcp_call', error: complaint }))],
  ['a list of tools that failed', item((complaint) => ({ type: 'mcp_list_tools', error: { complaint } }))],
  ['a tool of no known kind', item((complaint) => ({ type: 'shell_call', error: [{ complaint }] }))],
  [
    'the output of a call that failed',
    item((complaint) => ({ type: 'mcp_call', status: 'failed', output: complaint })),
  ],
  ['a call that only the end names', unseen],
])(
  'keys, headers and hosts that %s quotes reach neither the viewer nor the database',
  async (_how, complain) => {
    const [literal = '', bearerToken = '', own = ''] = HEADERS;
    await using fake = await startFakeBackend({
      onResponse: ({ body, headers }) =>
        complain(`Cannot use ${JSON.stringify(body.tools)} at ${headers.host} with ${headers.authorization}`),
    });
    const headers = {
      'X-Key': literal,
      Authorization: { from: 'kubernetes' as const },
      'X-Team': { from: 'client' as const },
    };
    const url = `http://${MCP_HOST}/mcp`;
    await using node = await startTestEngine({
      databaseUrl: db.url,
      backend: fake.url,
      config: {
        backends: [{ id: 'fake', kind: 'other', baseUrl: fake.url, apiKey: API_KEY, models: ['fake-model'] }],
        mcpServers: [{ name: 'wiki', url, allowPrivateAddresses: true, headers }],
      },
    });
    const credentials = { bearerToken, mcpHeaders: { wiki: { 'x-team': own } } };
    const { turn } = await node.engine.start(viewer, { query: 'Well?', credentials });
    const told = JSON.stringify(await collectEvents(node.engine, viewer, { turnId: turn.id }));
    expect(JSON.stringify(fake.responses[0]?.body.tools)).toContain(bearerToken);
    expect(told).toContain('Cannot use');
    expect(told).toContain('server_label');
    const rows = await db.database.driver`
    SELECT row_to_json(turn) AS stored, (SELECT json_agg(t) FROM tool_call t WHERE turn_id = id) AS calls
    FROM turn WHERE id = ${turn.id}`;
    const hosts = [new URL(fake.url).host, MCP_HOST, new URL(url).hostname];
    for (const secret of [...HEADERS, API_KEY, ...hosts]) {
      expect(told + JSON.stringify(rows)).not.toContain(secret);
    }
  },
);

it('a statement that fails is named without its parameters', async () => {
  const failed = db.database.asWorker((tx) => tx.execute(sql`SELECT ${'something private'}::text / 0`));
  const error: unknown = await failed.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ message: 'Failed query: SELECT $1::text / 0', cause: { code: '42883' } });
  expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toContain('private');
});
