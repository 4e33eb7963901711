/** Traps of what must not get out: what headers hold, in a server's complaint, and what people said, in a failed statement. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { collectEvents, createViewer, startTestEngine } from '../support/engine.ts';
import { startFakeBackend } from '../support/fake-backend.ts';
import { type Script, status, stream } from '../support/fake-backend-script.ts';

const viewer = createViewer();
const SECRETS = ['literal-9f8e7d', 'opaque.bearer.42', 'from-the-client'];
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());

/** As FastAPI complains of a body: it quotes all of it. */
const quote = (tools: unknown): Script =>
  status(422, {
    detail: [{ type: 'extra_forbidden', loc: ['body', 'tools'], input: JSON.stringify(tools) }],
  });
const fail = (tools: unknown): Script =>
  stream([
    { type: 'response.failed', response: { error: { message: `Cannot use ${JSON.stringify(tools)}` } } },
  ]);

it.each([
  ['an HTTP error', quote],
  ['a failed response', fail],
])(
  'headers of MCP servers that %s quotes reach neither the viewer nor the database',
  async (_how, complain) => {
    const [literal = '', bearerToken = '', own = ''] = SECRETS;
    await using fake = await startFakeBackend({ onResponse: ({ body }) => complain(body.tools) });
    const headers = {
      'X-Key': literal,
      Authorization: { from: 'kubernetes' as const },
      'X-Team': { from: 'client' as const },
    };
    const mcpServers = [
      { name: 'wiki', url: 'http://127.0.0.1:9/mcp', allowPrivateAddresses: true, headers },
    ];
    await using node = await startTestEngine({
      databaseUrl: db.url,
      backend: fake.url,
      config: { mcpServers },
    });
    const credentials = { bearerToken, mcpHeaders: { wiki: { 'x-team': own } } };
    const { turn } = await node.engine.start(viewer, { query: 'Well?', credentials });
    const told = JSON.stringify(await collectEvents(node.engine, viewer, { turnId: turn.id }));
    expect(JSON.stringify(fake.responses[0]?.body.tools)).toContain(bearerToken);
    expect(told).toContain('server_label');
    const rows = await db.database.driver`SELECT row_to_json(turn) AS stored FROM turn WHERE id = ${turn.id}`;
    for (const secret of SECRETS) expect(told + JSON.stringify(rows)).not.toContain(secret);
  },
);

it('a statement that fails is named without its parameters', async () => {
  const failed = db.database.asWorker((tx) => tx.execute(sql`SELECT ${'something private'}::text / 0`));
  const error: unknown = await failed.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ message: 'Failed query: SELECT $1::text / 0', cause: { code: '42883' } });
  expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toContain('private');
});
