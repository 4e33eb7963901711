/** Blots out what the configuration says must not stand in a transcript. */
import { runInNewContext } from 'node:vm';
import { AppError } from '../errors.ts';

export interface Redaction {
  /** Of a regular expression with the flags g and u. */
  readonly pattern: string;
  readonly replacement: string;
}

/** Longest text in characters that is searched. Questions are shorter: what is longer is no question of ours. */
const MAX_CHARACTERS = 65_536;
/** Some expressions take exponential time on some texts; the engine stops them only in a context of their own. */
const LIMIT_MS = 200;
const REPLACE = 'text.replace(new RegExp(pattern, "gu"), replacement)';

/**
 * The text after all redactions, in order. Throws INTERNAL_SERVER_ERROR when one takes too long: the text is then not to
 * be written at all.
 */
export function redact(text: string, redactions: readonly Redaction[]): string {
  if (redactions.length > 0 && text.length > MAX_CHARACTERS) throw toFailure('the text is too long');
  return redactions.reduce(replace, text);
}

function replace(text: string, { pattern, replacement }: Redaction): string {
  try {
    return String(runInNewContext(REPLACE, { text, pattern, replacement }, { timeout: LIMIT_MS }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw toFailure(`the pattern ${JSON.stringify(pattern)} takes more than ${LIMIT_MS} ms`);
  }
}

function toFailure(reason: string): AppError {
  return new AppError('INTERNAL_SERVER_ERROR', `A question could not be redacted: ${reason}`);
}
