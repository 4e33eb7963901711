/** Text that Postgres and JSON can both carry, and a terminal can show. */

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

/** The text with its control characters written out, so that a terminal shows it and does nothing else. */
export function toVisible(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
