/** Tools in a turn: which the backend is given, with which headers, and what a viewer is told of those left out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { readLedger, toLimiter } from '../../support/quotas.ts';

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

  it('that the configuration does not name are unknown, at a backend that lists none itself', async () => {
    const backends = [{ id: 'fake', kind: 'other' as const, baseUrl: fake.url, vectorStores: ['vs_1'] }];
    await using named = await startTestEngine({
      databaseUrl: db.url,
      backend: fake.url,
      config: { backends },
    });
    const ask = (id: string) => named.engine.start(viewer, { query: 'Look it up.', vectorStoreIds: [id] });
    await expect(ask('vs_2')).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'Vector store not found' });
    const { turn } = await ask('vs_1');
    expect((await collectEvents(named.engine, viewer, { turnId: turn.id })).at(-1)?.type).toBe('end');
  });
});

describe('a model that calls tools without an end', () => {
  const call = (index: number) => ({
    type: 'response.output_item.done',
    output_index: index,
    item: {
      type: 'mcp_call',
      id: `mcp_${index}`,
      name: 'find',
      arguments: '{}',
      server_label: 'wiki',
      output: 'Nothing.',
    },
  });
  const [created] = textResponse('');
  const loop = [created, ...Array.from({ length: 100 }, (_, index) => call(index))] as ReturnType<
    typeof textResponse
  >;

  it('is stopped at the limit, told of in a warning, and charged', async () => {
    const config = { mcpServers, turns: { maxToolCalls: 10 }, quotas: { limiters: [toLimiter('each')] } };
    await using careful = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config });
    fake.reply({ ...stream(loop), holds: { 50: createGate() } });
    const calls = fake.responses.length;
    const { turn } = await careful.engine.start(viewer, { query: 'Look.', credentials });
    const events = await collectEvents(careful.engine, viewer, { turnId: turn.id });
    await (await fake.received(calls + 1)).closed;
    expect(events.find(({ type }) => type === 'warning')).toMatchObject({
      warning: 'TOOL_CALLS_EXCEEDED',
      message: 'The model called tools more than 10 times and was stopped',
    });
    expect(events.at(-1)).toMatchObject({ type: 'end', finishReason: 'OTHER', truncated: true });
    expect(events.at(-1)).toMatchObject({ usage: { source: 'ESTIMATED' } });
    expect((await readLedger(db.database, turn.id)).map(({ kind }) => kind)).toEqual(['RESERVE', 'SETTLE']);
  });

  it('may call as many as are allowed', async () => {
    fake.reply(stream([...loop.slice(0, 31), ...textResponse('Done.').slice(1)] as typeof loop));
    const { events } = await ask({ credentials });
    expect(events.filter(({ type }) => type === 'tool_call')).toHaveLength(30);
    expect(events.at(-1)).toMatchObject({ type: 'end', finishReason: 'STOP' });
  });
});
