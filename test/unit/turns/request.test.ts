import { describe, expect, it } from 'vitest';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import { parseRequest, toStoredRequest } from '../../../src/turns/request.ts';
import { CONVERSATION_ID } from '../../support/graphql.ts';
import { PNG } from '../../support/refusals.ts';

const parse = (input: Partial<StartTurnInput> = {}) =>
  parseRequest({ query: 'Why?', ...input }, { disableQuerySystemPrompt: false });

const image = {
  attachmentType: 'image',
  contentType: 'image/png',
  content: { base64: PNG.toString('base64') },
};

describe('a request', () => {
  it('names every shield by naming none, and no shield by an empty list', () => {
    expect(parse()).toMatchObject({ shieldIds: null, generateTopicSummary: true });
    expect(parse({ shieldIds: [] }).shieldIds).toEqual([]);
    expect(toStoredRequest({ ...parse({ shieldIds: ['s'] }), attachments: [] }).shieldIds).toEqual(['s']);
  });

  it('is the same with its defaults written out', () => {
    const written = parse({
      generateTopicSummary: true,
      noTools: false,
      attachments: [],
      whenBusy: 'REJECT',
    });
    expect(written.fingerprint).toBe(parse().fingerprint);
  });

  it.each<[string, Partial<StartTurnInput>]>([
    ['key', { clientTurnId: 'k' }],
    ['operation', { operationId: CONVERSATION_ID }],
    ['way of leaving', { onDisconnect: 'CANCEL' }],
  ])('is the same with another %s', (_what, input) => {
    expect(parse(input).fingerprint).toBe(parse().fingerprint);
  });

  it('is the same in whichever form it names its conversation', () => {
    const [bare, prefixed] = [CONVERSATION_ID, `conv_${CONVERSATION_ID.toUpperCase()}`].map(
      (conversationId) => parse({ conversationId }),
    );
    expect(prefixed).toEqual(bare);
    expect(bare?.conversationId).toBe(CONVERSATION_ID);
  });

  it('has a query of 32,768 characters, however many code units they have, without the space around it', () => {
    const query = ` ${'😀'.repeat(32_768)}\n`;
    expect(parse({ query }).query).toBe(query);
    expect(() => parse({ query: `${query}😀` })).toThrow('query must have at most 32768 characters');
  });

  it.each<[string, Partial<StartTurnInput>]>([
    ['words', { query: 'Why not?' }],
    ['a conversation', { conversationId: CONVERSATION_ID }],
    ['a model', { provider: 'p', model: 'm' }],
    ['a system prompt', { systemPrompt: 'Be brief.' }],
    ['tools', { noTools: true }],
    ['vector stores', { vectorStoreIds: [] }],
    ['a way with busy conversations', { whenBusy: 'INTERRUPT' }],
    ['shields', { shieldIds: [] }],
    ['a topic summary', { generateTopicSummary: false }],
    ['an image', { attachments: [image] }],
    ['an upload', { attachments: [{ ...image, content: { uploadId: 'u' } }] }],
  ])('is another with other %s', (_what, input) => {
    expect(parse(input).fingerprint).not.toBe(parse().fingerprint);
  });
});
