import { describe, expect, it } from 'vitest';
import { isAppError } from '../../../src/errors.ts';
import type { AttachmentInput } from '../../../src/turns/engine.ts';
import { parseAttachments } from '../../../src/turns/parse-attachments.ts';
import { PNG } from '../../support/refusals.ts';

const text = (content: string): AttachmentInput => ({
  attachmentType: 'log',
  contentType: 'text/plain',
  content: { text: content },
});
const image = (bytes: Buffer, contentType = 'image/png'): AttachmentInput => ({
  attachmentType: 'image',
  contentType,
  content: { base64: bytes.toString('base64') },
});

const refusalOf = (inputs: readonly AttachmentInput[]): string => {
  try {
    parseAttachments(inputs);
  } catch (error) {
    if (isAppError(error, 'BAD_USER_INPUT')) return `${error.message}: ${error.details.explanation}`;
    throw error;
  }
  return 'none';
};

describe('attachments', () => {
  it('keep their text as it is', () => {
    expect(parseAttachments([text('\ufeff x\r\n')])).toEqual([
      { kind: 'text', attachmentType: 'log', contentType: 'text/plain', content: '\ufeff x\r\n' },
    ]);
  });

  it.each([
    ['image/png', PNG],
    ['image/jpeg', Buffer.from('ffd8ffe0', 'hex')],
  ])('may be %s, by its first bytes', (contentType, bytes) => {
    expect(parseAttachments([image(bytes, contentType)])).toEqual([
      { kind: 'image', contentType, base64: bytes.toString('base64') },
    ]);
    expect(refusalOf([image(bytes.subarray(1), contentType)])).toContain(`not ${contentType}`);
  });

  it.each(['', '=', 'iVBORw0KGgo', 'iVBORw0K\n+go=', 'iVBORw0KGg-_', 'iVBO====', '%%%%'])(
    'are no image in %j, which is not base64',
    (base64) => {
      const input = { attachmentType: 'image', contentType: 'image/png', content: { base64 } };
      expect(refusalOf([input])).toMatch(/^Invalid attribute value: .*not (base64|image\/png)/);
    },
  );

  it('that were uploaded are left to be fetched, whatever the id is', () => {
    const content = { uploadId: 'u' };
    expect(
      parseAttachments([
        { attachmentType: 'image', contentType: 'image/png', content },
        { attachmentType: 'event', contentType: 'application/json', content },
      ]),
    ).toEqual([
      { kind: 'upload', attachmentType: 'image', contentType: 'image/png', uploadId: 'u' },
      { kind: 'upload', attachmentType: 'event', contentType: 'application/json', uploadId: 'u' },
    ]);
  });

  it('count decoded, and 512 KiB together are allowed', () => {
    const half = Buffer.concat([PNG, Buffer.alloc(262_144 - PNG.length)]);
    expect(parseAttachments([image(half), text('é'.repeat(131_072))])).toHaveLength(2);
    expect(refusalOf([image(half), text(`${'é'.repeat(131_072)}x`)])).toContain('They have 524289;');
  });
});
