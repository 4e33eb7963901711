import { describe, expect, it } from 'vitest';
import { toInputContent, toInputText, toQuestionText } from '../../../src/turns/input-content.ts';
import type { Attachment } from '../../../src/types/turn.ts';

const log: Attachment = { kind: 'text', attachmentType: 'log', contentType: 'text/plain', content: 'a\nb' };
const image: Attachment = { kind: 'image', contentType: 'image/png', base64: 'iVBO' };
const alert: Attachment = { ...log, attachmentType: 'alert', content: '' };

describe('a question', () => {
  it('is one text: the query, then each attachment under its type after a blank line', () => {
    expect(toInputContent('Why?', [])).toBe('Why?');
    expect(toInputContent('Why?', [log, alert])).toBe(
      'Why?\n\n[Attachment: log]\na\nb\n\n[Attachment: alert]\n',
    );
  });

  it('with images is a part for all of its text, and one for each image behind it', () => {
    expect(toInputContent('Why?', [image, log])).toEqual([
      { type: 'text', text: 'Why?\n\n[Attachment: log]\na\nb' },
      { type: 'image', mediaType: 'image/png', base64: 'iVBO' },
    ]);
    expect(toQuestionText('Why?', [image, log])).toBe('Why?\n\n[Attachment: log]\na\nb');
  });

  it('of the past only names its images', () => {
    const past = [{ attachmentType: 'image', content: null }, log];
    expect(toInputText('Why?', past)).toBe('Why?\n\n[Attachment: image]\n\n[Attachment: log]\na\nb');
  });
});
