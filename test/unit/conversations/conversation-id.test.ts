/** The forms of a conversation's id. */
import { describe, expect, it } from 'vitest';
import { parseConversationId } from '../../../src/conversations/conversation-id.ts';
import { isAppError } from '../../../src/errors.ts';

const UUID = '0198c0de-0000-7000-8000-0000000000c1';
const HEX = '0123456789abcdef0123456789abcdef0123456789abcdef';

describe('parseConversationId', () => {
  it.each([
    ['a UUID', UUID, UUID],
    ['48 hex digits', HEX, HEX],
    ['a UUID with the prefix', `conv_${UUID}`, UUID],
    ['48 hex digits with the prefix', `conv_${HEX}`, HEX],
    ['upper case', `conv_${UUID.toUpperCase()}`, UUID],
  ])('takes %s', (_form, text, id) => {
    expect(parseConversationId(text)).toBe(id);
  });

  it.each([
    '',
    'conv_',
    'ada',
    ` ${UUID}`,
    `${UUID}\n`,
    `conv_conv_${UUID}`,
    `CONV_${UUID}`,
    HEX.slice(1),
    `${HEX}0`,
    UUID.replaceAll('-', ''),
  ])('refuses %j, naming it', (text) => {
    const parse = () => parseConversationId(text);
    expect(parse).toThrow(`Improper conversation ID '${text}'`);
    expect(parse).toThrow(expect.toSatisfy((error: unknown) => isAppError(error, 'BAD_USER_INPUT')));
  });
});
