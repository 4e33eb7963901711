import { expect, test } from 'vitest';
import { listCapabilities, toKind } from '../../../src/backend/kind.ts';

test.each([
  ['auto', 'https://api.openai.com/v1', 'openai'],
  ['auto', 'https://mine.openai.azure.com/openai/v1', 'azure'],
  ['auto', 'https://mine.services.ai.azure.com/openai/v1', 'azure'],
  ['auto', 'https://openai.azure.com.evil.example/v1', undefined],
  ['auto', 'http://127.0.0.1:8321/v1', undefined],
  ['ogx', 'https://api.openai.com/v1', 'llama-stack'],
  ['other', 'https://api.openai.com/v1', 'other'],
] as const)('the configured kind counts, else the address: %s at %s is %s', (kind, baseUrl, expected) => {
  expect(toKind({ kind, baseUrl })).toBe(expected);
});

test('only llama-stack lists shields; a server of no known kind is not asked for lists', () => {
  expect(listCapabilities('llama-stack', {})).toMatchObject({
    shields: true,
    vectorStores: true,
    background: false,
  });
  expect(listCapabilities('openai', {})).toMatchObject({ shields: false, vectorStores: true });
  expect(listCapabilities('azure', {})).toMatchObject({ shields: false, moderations: false });
  expect(listCapabilities('other', {})).toMatchObject({
    shields: false,
    vectorStores: false,
    fileSearch: true,
  });
});
