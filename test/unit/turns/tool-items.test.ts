import { describe, expect, it } from 'vitest';
import { MAX_CONTENT_BYTES } from '../../../src/turns/tool-content.ts';
import type { JsonObject } from '../../../src/types/json.ts';
import { fileSearch, functionCall, itemDone, mcpCall } from '../../support/streams.ts';
import { translateTurn } from '../../support/translated.ts';

const toolBodies = (events: readonly JsonObject[]): readonly object[] =>
  translateTurn(events).bodies.filter((body) => body.type === 'tool_call' || body.type === 'tool_result');
const callOf = (item: JsonObject): object | undefined =>
  toolBodies([itemDone(item)]).find((body) => 'args' in body);
const resultOf = (item: JsonObject): object | undefined =>
  toolBodies([itemDone(item)]).find((body) => 'content' in body);

const approvalRequest: JsonObject = {
  id: 'mcpr_1',
  type: 'mcp_approval_request',
  name: 'pay',
  server_label: 'bank',
  arguments: '{"sum":5}',
};
const tool = { name: 'tides', description: null, input_schema: { type: 'object' } };

describe('an item becomes a call', () => {
  it.each<[string, JsonObject, object]>([
    [
      'function_call',
      functionCall,
      { toolCallId: 'call_1', name: 'moon_phase', args: { day: 3 }, kind: 'FUNCTION_CALL' },
    ],
    [
      'file_search_call',
      fileSearch([]),
      {
        toolCallId: 'fs_1',
        name: 'knowledge_search',
        args: { queries: ['tides'] },
        kind: 'FILE_SEARCH_CALL',
      },
    ],
    [
      'web_search_call',
      { id: 'w', type: 'web_search_call' },
      { toolCallId: 'w', name: 'web_search', args: {}, kind: 'WEB_SEARCH_CALL' },
    ],
    [
      'web_search_call with an action',
      { id: 'w', type: 'web_search_call', action: { query: 'q' } },
      { args: { query: 'q' } },
    ],
    [
      'mcp_call',
      mcpCall,
      {
        toolCallId: 'mcp_1',
        name: 'tide_table',
        args: { port: 'Lerwick', server_label: 'harbour' },
        kind: 'MCP_CALL',
      },
    ],
    [
      'mcp_list_tools',
      { id: 'l', type: 'mcp_list_tools', server_label: 's' },
      { name: 'mcp_list_tools', args: { server_label: 's' }, kind: 'MCP_LIST_TOOLS' },
    ],
    [
      'mcp_approval_request',
      approvalRequest,
      { toolCallId: 'mcpr_1', name: 'pay', args: { sum: 5 }, kind: 'MCP_APPROVAL_REQUEST' },
    ],
    [
      'code_interpreter_call',
      { id: 'c', type: 'code_interpreter_call', status: 'completed', code: '1+1', outputs: null },
      { name: 'code_interpreter_call', args: { code: '1+1' }, kind: 'OTHER' },
    ],
    [
      'custom_tool_call',
      { id: 'c', type: 'custom_tool_call', name: 'x_search', call_id: 'k', input: '{"q":1}' },
      { toolCallId: 'c', name: 'x_search', args: { q: 1 }, kind: 'OTHER' },
    ],
    [
      'shell_call',
      { id: 's', type: 'shell_call', action: { commands: ['ls'] } },
      { args: { action: { commands: ['ls'] } } },
    ],
    [
      'tool_search_call',
      { id: 't', type: 'tool_search_call', arguments: { goal: 'g' } },
      { args: { goal: 'g' } },
    ],
    [
      'a kind nobody knows',
      { id: 'h', type: 'hologram_call', status: 'completed' },
      { toolCallId: 'h', name: 'hologram_call', args: {}, kind: 'OTHER' },
    ],
    [
      'a kind with an inherited name',
      { id: 'h', type: 'constructor' },
      { name: 'constructor', kind: 'OTHER' },
    ],
    [
      'a blob that only the backend reads',
      { id: 'z', type: 'compaction', encrypted_content: 'gAAA' },
      { name: 'compaction', args: {} },
    ],
  ])('%s', (_, item, call) => {
    expect(callOf(item)).toMatchObject({ type: 'tool_call', ...call });
  });

  it('whose arguments are nested beyond measure is accepted', () => {
    const text = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(JSON.stringify(callOf({ ...functionCall, arguments: text }))).toContain('[nested too deeply]');
  });

  it('whose arguments are larger than 256 KiB keeps their beginning', () => {
    const call = callOf({ ...functionCall, arguments: JSON.stringify({ a: 'x'.repeat(MAX_CONTENT_BYTES) }) });
    expect(call).toMatchObject({
      args: { args: expect.stringMatching(/^\{"a":"xx.*… \[cut: 8 more characters\]$/) },
    });
  });

  it.each<[string, JsonObject, string]>([
    ['call_id of a function', functionCall, 'call_1'],
    ['item id of a function without one', { ...functionCall, call_id: null }, 'fc_1'],
    ['output index when there is no id', { type: 'function_call', name: 'f' }, 'call_4'],
  ])('with the %s as its id', (_, item, toolCallId) => {
    expect(toolBodies([itemDone(item, 4)])).toMatchObject([{ toolCallId }]);
  });

  it.each<[unknown, object]>([
    ['{"a":{"b":[1]}}', { a: { b: [1] } }],
    ['', {}],
    [undefined, {}],
    [null, {}],
    [{ a: 1 }, { a: 1 }],
    ['not json', { args: 'not json' }],
    ['[1]', { args: '[1]' }],
    ['"text"', { args: '"text"' }],
    ['{"n": NaN}', { args: '{"n": NaN}' }],
    ['{"n": [1e400]}', { args: '{"n": [1e400]}' }],
    ['{"a\\u0000":"\\ud800"}', { 'a\uFFFD': '\uFFFD' }],
  ])('whose arguments %j are %j', (text, args) => {
    const item = { ...functionCall, arguments: text } as JsonObject;
    expect(callOf(item)).toHaveProperty('args', args);
  });
});

describe('an item becomes a result', () => {
  const mcp = (change: JsonObject): JsonObject => ({ ...mcpCall, ...change });

  it.each<[string, JsonObject, object]>([
    [
      'file_search_call',
      fileSearch([{ text: 't' }]),
      { status: 'COMPLETED', content: '{"results":[{"text":"t"}]}' },
    ],
    ['file_search_call that found nothing', fileSearch([]), { content: '{"results":[]}' }],
    ['file_search_call without results', fileSearch(null), { content: '' }],
    [
      'web_search_call that failed',
      { id: 'w', type: 'web_search_call', status: 'failed' },
      { status: 'FAILURE', rawStatus: 'failed', content: '' },
    ],
    [
      'mcp_call',
      mcpCall,
      { status: 'SUCCESS', rawStatus: 'success', content: 'high at 04:10', kind: 'MCP_CALL' },
    ],
    ['mcp_call without output', mcp({ output: null }), { status: 'SUCCESS', content: '' }],
    [
      'mcp_call with an error',
      mcp({ error: 'timeout' }),
      { status: 'FAILURE', rawStatus: 'failure', content: 'timeout' },
    ],
    [
      'mcp_call with an error object',
      mcp({ error: { code: -32602 } }),
      { status: 'FAILURE', content: '{"code":-32602}' },
    ],
    [
      'mcp_call that failed without a word',
      mcp({ status: 'failed', output: null }),
      { status: 'FAILURE', content: '' },
    ],
    [
      'mcp_list_tools',
      { id: 'l', type: 'mcp_list_tools', server_label: 's', tools: [{ ...tool, annotations: {} }] },
      { status: 'SUCCESS', content: JSON.stringify({ server_label: 's', tools: [tool] }) },
    ],
    [
      'mcp_list_tools that failed',
      { id: 'l', type: 'mcp_list_tools', error: 'refused' },
      { status: 'FAILURE', content: 'refused' },
    ],
    [
      'image_generation_call',
      { id: 'i', type: 'image_generation_call', status: 'generating', result: 'iVBO' },
      { status: 'IN_PROGRESS', rawStatus: 'generating', content: 'iVBO', kind: 'OTHER' },
    ],
    [
      'a status nobody knows',
      { id: 'x', type: 'web_search_call', status: 'toString' },
      { status: 'OTHER', rawStatus: 'toString' },
    ],
  ])('%s', (_, item, result) => {
    expect(resultOf(item)).toMatchObject({ type: 'tool_result', round: 1, ...result });
  });

  it.each<[string, JsonObject]>([
    ['function_call', functionCall],
    ['mcp_approval_request', approvalRequest],
    ['a call of another kind without output', { id: 'c', type: 'code_interpreter_call', outputs: [] }],
  ])('but not %s', (_, item) => {
    expect(resultOf(item)).toBeUndefined();
  });

  it.each<[JsonObject, object]>([
    [{ approve: true }, { status: 'SUCCESS', rawStatus: 'success', content: '{}' }],
    [
      { approve: false, reason: 'no' },
      { status: 'DENIED', rawStatus: 'denied', content: '{"reason":"no"}' },
    ],
  ])('a response to a request for approval: %j', (response, result) => {
    const item: JsonObject = {
      id: 'x',
      type: 'mcp_approval_response',
      approval_request_id: 'mcpr_1',
      ...response,
    };
    expect(toolBodies([itemDone(approvalRequest), itemDone(item)]).slice(1)).toMatchObject([
      { toolCallId: 'mcpr_1', kind: 'MCP_APPROVAL_REQUEST', ...result },
    ]);
  });

  it.each<[string, string | null, string]>([
    ['of the call with its call_id', 'k1', 'sh_1'],
    ['of the last open call of its kind, without one', null, 'sh_2'],
    ['of a call of an earlier response', 'k9', 'k9'],
  ])('an output item is the result %s', (_, callId, toolCallId) => {
    const shell = (id: string, call: string): JsonObject => ({ id, type: 'shell_call', call_id: call });
    const output: JsonObject = {
      id: 'o',
      type: 'shell_call_output',
      call_id: callId,
      output: [{ stdout: 'x' }],
    };
    const events = [itemDone(shell('sh_1', 'k1')), itemDone(shell('sh_2', 'k2'), 1), itemDone(output, 2)];
    expect(toolBodies(events).slice(2)).toMatchObject([
      { toolCallId, content: '[{"stdout":"x"}]', kind: 'OTHER' },
    ]);
  });

  it('is cut at 256 KiB and says so', () => {
    const result = 'é'.repeat(MAX_CONTENT_BYTES);
    const content = `${'é'.repeat(MAX_CONTENT_BYTES / 2)}… [cut: ${MAX_CONTENT_BYTES / 2} more characters]`;
    expect(resultOf({ id: 'i', type: 'image_generation_call', result })).toMatchObject({ content });
  });
});
