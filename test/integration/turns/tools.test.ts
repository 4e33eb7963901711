/** Tools in a turn: which the backend is given, with which headers, and what a viewer is told of those left out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';

const viewer = createViewer();
const mcpServers = [
  {
    name: 'wiki',
    url: 'http://127.0.0.1:9/mcp',
    allowPrivateAddresses: true,
    headers: {
      'X-Literal': 'one',
      Authorization: { from: 'kubernetes' as const },
      'X-Team': { from: 'client' as const },
    },
  },
];
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config: { mcpServers } });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

async function ask(input: Partial<StartTurnInput>) {
  const calls = fake.responses.length;
  const { turn } = await node.engine.start(viewer, { query: 'Look it up.', ...input });
  const events: readonly TurnEvent[] = await collectEvents(node.engine, viewer, { turnId: turn.id });
  return { events, tools: fake.responses[calls]?.body.tools };
}

const credentials = { bearerToken: 'secret-token', mcpHeaders: { wiki: { 'x-team': 'blue' } } };

describe('an MCP server', () => {
  it('is given with headers from the configuration, the viewer and the client', async () => {
    const { events, tools } = await ask({ credentials });
    expect(tools).toEqual([
      {
        type: 'mcp',
        server_label: 'wiki',
        server_url: 'http://127.0.0.1:9/mcp',
        require_approval: 'never',
        headers: { 'X-Literal': 'one', Authorization: 'Bearer secret-token', 'X-Team': 'blue' },
      },
    ]);
    expect(events.filter((event) => event.type === 'warning')).toEqual([]);
  });

  it('is left out when one of its headers cannot be had, and a WarningEvent says which', async () => {
    const { events, tools } = await ask({ credentials: { ...credentials, mcpHeaders: {} } });
    expect(tools).toBeUndefined();
    const warning = events.find((event) => event.type === 'warning');
    expect(warning).toMatchObject({
      seq: 2,
      warning: 'MCP_SERVER_SKIPPED',
      message: expect.stringMatching(/wiki.*X-Team/i),
    });
    expect(JSON.stringify(events)).not.toContain('secret-token');
    expect(events.at(-1)).toMatchObject({ type: 'end' });
  });

  it('nothing of what a client brought is stored', async () => {
    await ask({ credentials });
    const rows = await db.database.driver`SELECT request::text AS request FROM turn`;
    const events = await db.database.driver`SELECT events::text AS events FROM turn_event_batch`;
    expect(JSON.stringify([rows, events])).not.toMatch(/secret-token|blue/);
  });
});

describe('without tools', () => {
  it('noTools gives the backend none at all', async () => {
    const { events, tools } = await ask({ noTools: true });
    expect(tools).toBeUndefined();
    expect(events.filter((event) => event.type === 'warning')).toEqual([]);
  });
});

describe('vector stores', () => {
  it('that are named are searched exactly, ten results at most', async () => {
    const { tools } = await ask({ vectorStoreIds: ['vs_1', 'vs_2'], credentials });
    expect(tools).toContainEqual({
      type: 'file_search',
      vector_store_ids: ['vs_1', 'vs_2'],
      max_num_results: 10,
    });
  });
});
