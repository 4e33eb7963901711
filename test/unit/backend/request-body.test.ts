import { expect, test } from 'vitest';
import { toRequestBody } from '../../../src/backend/responses.ts';

const request = { model: 'm', instructions: '', input: [], tools: [] };

test('what is empty is left out', () => {
  expect(toRequestBody(request)).toEqual({ model: 'm', input: [], stream: true, store: false });
});

test('search results are asked for only when files are searched', () => {
  const search = { type: 'file_search', vector_store_ids: ['vs_1'] };
  const web = { type: 'web_search' };
  expect(toRequestBody({ ...request, tools: [web] })).not.toHaveProperty('include');
  expect(toRequestBody({ ...request, tools: [web, search] })).toMatchObject({
    tools: [web, search],
    include: ['file_search_call.results'],
  });
});

test('the bound on generated tokens is passed on', () => {
  expect(toRequestBody({ ...request, maxOutputTokens: 7 })).toMatchObject({ max_output_tokens: 7 });
});
