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

test('texts and images are sent in the parts that the Responses API has for them', () => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image', mediaType: 'image/png', base64: 'AAAA' },
  ] as const;
  const input = [
    { role: 'user', content },
    { role: 'assistant', content: [{ type: 'text', text: 'A cat.' }] },
  ] as const;
  expect(toRequestBody({ ...request, input }).input).toEqual([
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'What is this?' },
        { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
      ],
    },
    { role: 'assistant', content: [{ type: 'output_text', text: 'A cat.' }] },
  ]);
});

test('a conversation of the backend is named with its prefix, and keeps the response', () => {
  expect(toRequestBody({ ...request, conversation: 'c1' })).toMatchObject({
    conversation: 'conv_c1',
    store: true,
  });
});
