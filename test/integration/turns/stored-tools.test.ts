/** Tool calls and results as they are stored with their turn, and read again. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/config.ts';
import { writeTranscript } from '../../../src/transcripts/transcripts.ts';
import type { JsonObject } from '../../../src/types/json.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { stream, textResponse } from '../../support/fake-backend-script.ts';
import { createOpenDirectory } from '../../support/postgres.ts';
import { itemDone } from '../../support/streams.ts';

const viewer = createViewer();
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** A call of this turn with its result, and an approval of what an earlier turn asked for. */
const ITEMS: readonly JsonObject[] = [
  {
    id: 'm_1',
    type: 'mcp_call',
    name: 'read',
    server_label: 'wiki',
    arguments: '{"page":1}',
    output: 'text',
  },
  { id: 'a_1', type: 'mcp_approval_response', approval_request_id: 'earlier', approve: true, reason: 'fine' },
];
const EARLIER = { id: 'earlier', status: 'SUCCESS', content: '{"reason":"fine"}', round: 1 };
const READ = { id: 'm_1', status: 'SUCCESS', content: 'text', round: 1 };

async function ask({ engine } = node, items = ITEMS): Promise<readonly TurnEvent[]> {
  const [created = {}, ...rest] = textResponse('Done.');
  fake.reply(stream([created, ...items.map((item, index) => itemDone(item, index + 1)), ...rest]));
  const { turn } = await engine.start(viewer, { query: 'Go on.' });
  return collectEvents(engine, viewer, { turnId: turn.id });
}

it('a result whose call an earlier turn made is stored, with neither name nor arguments', async () => {
  const seen = await ask();
  expect(seen.filter(({ type }) => type === 'tool_result')).toHaveLength(2);
  const turnId = seen[0]?.turnId ?? '';
  const stored = (await node.engine.listToolCalls(viewer, [turnId])).get(turnId);
  const toResult = ({ id: toolCallId, ...rest }: typeof READ) => ({ toolCallId, ...rest });
  expect(stored).toMatchObject([
    {
      call: { toolCallId: 'earlier', name: '', args: {}, kind: 'MCP_APPROVAL_REQUEST' },
      result: toResult(EARLIER),
    },
    { call: { toolCallId: 'm_1', name: 'read', kind: 'MCP_CALL' }, result: toResult(READ) },
  ]);
});

it('a transcript has it among the results, and no call that the turn did not make', async () => {
  const turnId = (await ask())[0]?.turnId ?? '';
  await using folder = await createOpenDirectory();
  const transcripts = { enabled: true, directory: folder.path, hmacKey: 'a key of enough characters' };
  await writeTranscript({ database: node.database, config: configSchema.parse({ transcripts }) }, turnId);
  const paths = await readdir(folder.path, { recursive: true });
  const path = paths.find((name) => name.endsWith(`${turnId}.json`)) ?? '';
  expect(JSON.parse(await readFile(join(folder.path, path), 'utf8'))).toMatchObject({
    tool_calls: [{ id: 'm_1', name: 'read' }],
    tool_results: [{ ...EARLIER, type: 'MCP_APPROVAL_REQUEST' }, READ],
  });
});

it('of a result so much is told and stored as turns.maxToolResultBytes says, and that it was cut', async () => {
  const config = { turns: { maxToolResultBytes: 2_000 } };
  await using strict = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config });
  const image = { id: 'i_1', type: 'image_generation_call', result: 'x'.repeat(2_345) };
  const seen = await ask(strict, [image]);
  const content = `${'x'.repeat(2_000)}… [cut: 345 more characters]`;
  expect(seen).toContainEqual(expect.objectContaining({ type: 'tool_result', content }));
  const turnId = seen[0]?.turnId ?? '';
  const stored = (await strict.engine.listToolCalls(viewer, [turnId])).get(turnId);
  expect(stored).toMatchObject([{ result: { content } }]);
  const whole = await ask(node, [image]);
  expect(whole).toContainEqual(expect.objectContaining({ type: 'tool_result', content: image.result }));
});
