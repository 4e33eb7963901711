/** llama-stack's ways through a whole turn: its model ids, its framing, its own event names, its missing usage. */
import { expect, it } from 'vitest';
import type { JsonObject } from '../../../src/types/json.ts';
import { createTestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, joinTokens, startTestEngine } from '../../support/engine.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { stream } from '../../support/fake-backend-script.ts';

const response = { id: 'resp_1', object: 'response', model: 'openai/gpt-4o', error: null, usage: null };
const call = { id: 'fc_1', type: 'mcp_call', name: 'get_weather', server_label: 'weather', error: null };
const text = { item_id: 'msg_1', output_index: 1, content_index: 0 };
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'It is sunny.', annotations: [] }],
};
/** Arguments before their item, no `output_text.done`, no usage. */
const opening: readonly JsonObject[] = [
  { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
  { type: 'response.mcp_call.arguments.delta', item_id: 'fc_1', output_index: 0, delta: '{"city":' },
  {
    type: 'response.mcp_call.arguments.done',
    item_id: 'fc_1',
    output_index: 0,
    arguments: '{"city":"Brno"}',
  },
  {
    type: 'response.output_item.added',
    output_index: 0,
    item: { ...call, arguments: '', output: null },
  },
  { type: 'response.mcp_call.completed' },
  {
    type: 'response.output_item.done',
    output_index: 0,
    item: { ...call, arguments: '{"city":"Brno"}', output: 'sunny' },
  },
  { type: 'response.output_item.added', output_index: 1, item: { ...message, content: [] } },
  { type: 'response.output_text.delta', ...text, delta: 'It is ' },
  { type: 'response.output_text.delta', ...text, delta: 'sunny.' },
];
const ending: readonly JsonObject[] = [
  { type: 'response.output_item.done', output_index: 1, item: message },
  { type: 'response.completed', response: { ...response, status: 'completed', output: [message] } },
];
const models = [
  {
    id: 'gpt-4o',
    object: 'model',
    owned_by: 'llama_stack',
    custom_metadata: { model_type: 'llm', provider_id: 'openai', provider_resource_id: 'gpt-4o' },
  },
];

it('an answer with a tool call is whole, and the model is asked for as provider/model', async () => {
  await using db = await createTestDatabase();
  await using fake = await startFakeBackend({ models });
  await using node = await startTestEngine({ databaseUrl: db.url, backend: fake.url });
  const viewer = createViewer();
  fake.reply(stream([...opening, ...ending], { framing: 'data-only' }));
  const { turn } = await node.engine.start(viewer, { query: 'Weather?', provider: 'fake', model: 'gpt-4o' });
  const seen = await collectEvents(node.engine, viewer, { turnId: turn.id });
  expect(fake.responses[0]?.body.model).toBe('openai/gpt-4o');
  expect(turn).toMatchObject({ provider: 'fake', model: 'gpt-4o' });
  expect(joinTokens(seen)).toBe('It is sunny.');
  expect(seen).toContainEqual(
    expect.objectContaining({
      type: 'tool_call',
      name: 'get_weather',
      args: { city: 'Brno', server_label: 'weather' },
    }),
  );
  expect(seen).toContainEqual(expect.objectContaining({ type: 'tool_result', content: 'sunny' }));
  expect(seen.at(-1)).toMatchObject({ type: 'end', finishReason: 'STOP' });
});

it('an untyped error frame ends the turn, and what had come is kept', async () => {
  await using db = await createTestDatabase();
  await using fake = await startFakeBackend({ models });
  await using node = await startTestEngine({ databaseUrl: db.url, backend: fake.url });
  const viewer = createViewer();
  const frame = { error: { message: '500: Internal server error: An unexpected error occurred.' } };
  fake.reply(stream([...opening, frame], { framing: 'data-only' }));
  const { turn } = await node.engine.start(viewer, { query: 'Weather?' });
  const seen = await collectEvents(node.engine, viewer, { turnId: turn.id });
  expect(seen.at(-1)).toMatchObject({ type: 'error', error: { code: 'BACKEND_ERROR' } });
  expect(joinTokens(seen)).toBe('It is sunny.');
});
