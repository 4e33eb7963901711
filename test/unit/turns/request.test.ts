import { describe, expect, it } from 'vitest';
import type { StartTurnInput } from '../../../src/turns/engine.ts';
import { parseRequest, toStoredRequest } from '../../../src/turns/request.ts';
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
    ['shields', { shieldIds: [] }],
    ['a topic summary', { generateTopicSummary: false }],
    ['an image', { attachments: [image] }],
    ['an upload', { attachments: [{ ...image, content: { uploadId: 'u' } }] }],
  ])('is another with other %s', (_what, input) => {
    expect(parse(input).fingerprint).not.toBe(parse().fingerprint);
  });
});
