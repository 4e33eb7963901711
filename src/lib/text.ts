/** Text that Postgres and JSON can both carry: no NUL, no lone surrogate. */

const NUL = '\0';

/** Whether the text can be stored as it is. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes(NUL);
}

/** The text with every NUL and lone surrogate replaced by U+FFFD; the same string when there are none. */
export function toStorable(text: string): string {
  if (isStorable(text)) return text;
  return text.toWellFormed().replaceAll(NUL, '\uFFFD');
}
