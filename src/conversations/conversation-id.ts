/** The forms in which a conversation can be named. */
import { AppError } from '../errors.ts';
import { isUuid } from '../lib/ids.ts';

const PREFIX = /^conv_/;
/** What backends with their own conversations use. */
const HEX_48 = /^[0-9a-f]{48}$/;

/** The id as it is stored: lower case, without the `conv_` prefix. Throws BAD_USER_INPUT when it is neither form. */
export function parseConversationId(text: string): string {
  const id = text.replace(PREFIX, '').toLowerCase();
  if (isUuid(id) || HEX_48.test(id)) return id;
  throw new AppError('BAD_USER_INPUT', `Improper conversation ID '${text}'`, {
    details: {
      explanation: 'A conversation ID is a UUID, or 48 hexadecimal digits, with or without "conv_"',
    },
  });
}
