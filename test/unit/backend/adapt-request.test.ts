import { expect, test } from 'vitest';
import { adaptRequest } from '../../../src/backend/adapt-request.ts';
import type { ResponseRequest } from '../../../src/backend/backend.ts';
import { ALL_CAPABILITIES } from '../../support/backends.ts';

const image = { type: 'image', mediaType: 'image/png', base64: 'AAAA' } as const;
const text = { type: 'text', text: 'What is this?' } as const;
const request: ResponseRequest = {
  model: 'm',
  instructions: '',
  input: [
    { role: 'user', content: 'Before' },
    { role: 'user', content: [text, image] },
  ],
  tools: [{ type: 'file_search' }, { type: 'mcp' }, { type: 'web_search' }],
  conversation: 'c1',
  background: true,
};

test('a request that the backend can take stays as it is', () => {
  expect(adaptRequest(request, ALL_CAPABILITIES)).toEqual({ request, warnings: [] });
  expect(adaptRequest(request, ALL_CAPABILITIES).request).toBe(request);
});

test.each([
  ['fileSearch', { tools: [{ type: 'mcp' }, { type: 'web_search' }] }],
  ['mcp', { tools: [{ type: 'file_search' }, { type: 'web_search' }] }],
  ['images', { input: [request.input[0], { role: 'user', content: [text] }] }],
  ['conversations', { conversation: undefined }],
  ['background', { background: undefined }],
] as const)('what needs a missing capability is left out with one warning: %s', (capability, change) => {
  const adapted = adaptRequest(request, { ...ALL_CAPABILITIES, [capability]: false });
  expect(adapted.request).toEqual({ ...request, ...change });
  expect(adapted.warnings).toEqual([{ warning: 'CAPABILITY_MISSING', message: expect.any(String) }]);
});

test('a missing capability that nothing needs is not spoken of', () => {
  const plain = { ...request, tools: [], input: [], conversation: undefined };
  const none = { ...ALL_CAPABILITIES, fileSearch: false, mcp: false, images: false, conversations: false };
  expect(adaptRequest(plain, none)).toEqual({ request: plain, warnings: [] });
});

test('a bound on the answer that the backend does not take is left out without a word', () => {
  const bounded = { ...request, maxOutputTokens: 500 };
  const adapted = adaptRequest(bounded, { ...ALL_CAPABILITIES, maxOutputTokens: false });
  expect(adapted).toEqual({ request, warnings: [] });
});
