/** Ids as they come from clients. */
import { AppError } from '../errors.ts';
import { isUuid } from '../lib/ids.ts';

/** Throws BAD_USER_INPUT when it is not a UUID. */
export function parseId(text: string, what: string): string {
  if (isUuid(text)) return text.toLowerCase();
  throw new AppError('BAD_USER_INPUT', `Improper ${what} ID '${text}'`, {
    details: { explanation: `A ${what} ID is a UUID` },
  });
}
