import { describe, expect, test } from 'vitest';
import { parseRequest } from '../../../src/responder/request.ts';

const good = { model: 'millrace-extractive', input: 'What is a cursor?' };
const parse = (change: object) => parseRequest(JSON.stringify({ ...good, ...change }));
const search = { type: 'file_search', vector_store_ids: ['local'] };

describe('the search', () => {
  test.each([
    ['does not run when the request has no tools', {}, 0],
    ['runs when the request lists file_search', { tools: [{ type: 'mcp' }, search] }, 10],
    ['finds as many as the tool says', { tools: [{ ...search, max_num_results: 3 }] }, 3],
    ['does not run when the list of tools is empty', { tools: [] }, 0],
    ['does not run when only other tools are listed', { tools: [{ type: 'mcp' }] }, 0],
    ['does not run when no tool may be chosen', { tools: [search], tool_choice: 'none' }, 0],
  ])('%s', (_rule, change, maxResults) => {
    expect(parse(change)).toMatchObject({ request: { maxResults } });
  });
});

describe('the messages of the user', () => {
  test.each([
    ['a plain input', 'Why?', ['Why?']],
    [
      'messages with plain content',
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
        { role: 'user', content: 'c' },
      ],
      ['a', 'c'],
    ],
    [
      'messages in parts',
      [
        {
          type: 'message',
          role: 'user',
          content: [{ type: 'input_text', text: 'a' }, { type: 'input_image' }],
        },
      ],
      ['a\n'],
    ],
    [
      'among other items',
      [
        { type: 'function_call_output', call_id: 'x', output: 'y' },
        { role: 'user', content: 'a' },
      ],
      ['a'],
    ],
  ])('are read from %s', (_rule, input, userMessages) => {
    expect(parse({ input })).toMatchObject({ request: { userMessages } });
  });
});

describe('a refusal', () => {
  test.each([
    ['no model', { model: undefined }, 400, null, 'model'],
    ['another model', { model: 'gpt-5' }, 404, 'model_not_found', 'model'],
    [
      'another vector store',
      { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] },
      404,
      null,
      'tools',
    ],
    [
      'no vector store',
      { tools: [{ type: 'file_search', vector_store_ids: [] }] },
      400,
      null,
      'tools.0.vector_store_ids',
    ],
    ['no input', { input: undefined }, 400, null, 'input'],
    ['an input without a question', { input: [{ role: 'assistant', content: 'hello' }] }, 400, null, 'input'],
    ['a blank input', { input: ' ' }, 400, null, 'input'],
    ['a bound that is no number', { max_output_tokens: 'many' }, 400, null, 'max_output_tokens'],
    ['a bound of nothing', { max_output_tokens: 0 }, 400, null, 'max_output_tokens'],
    ['an earlier response', { previous_response_id: 'resp_1' }, 400, null, 'previous_response_id'],
    ['background work', { background: true }, 400, null, 'background'],
  ])('names the field: %s', (_rule, change, status, code, param) => {
    expect(parse(change)).toMatchObject({ failure: { status, code, param, type: 'invalid_request_error' } });
  });

  test.each(['', '{', 'null', '[]', '"text"'])('of the body %j', (text) => {
    expect(parseRequest(text)).toMatchObject({ failure: { status: 400 } });
  });
});
