/** Citation markers such as `<|file-123|>` that models leave in their text, and finding them across deltas. */

/** Characters of the longest marker; what is longer is text. */
export const MAX_MARKER = 256;
const OPENING = '<|file-';
const ID_LENGTH = MAX_MARKER - OPENING.length - '|>'.length;

const MARKER = new RegExp(`<\\|file-[\\w-]{1,${ID_LENGTH}}\\|>`, 'g');
const MARKER_AND_SPACE = new RegExp(` ?${MARKER.source}`, 'g');
const CUT_MARKER = new RegExp(`^<\\|file-(?:[\\w-]{1,${ID_LENGTH}}\\|?)?$`);

/**
 * The text without its markers. With `dropSpace` one space before each marker goes too:
 * models put a marker behind a space at the end of a sentence.
 */
export function removeMarkers(text: string, dropSpace: boolean): string {
  return text.includes(OPENING) ? text.replace(dropSpace ? MARKER_AND_SPACE : MARKER, '') : text;
}

/** Where the end of the text begins that may still become a marker, or a half of a surrogate pair; its length when there is none. */
export function findOpenEnd(text: string, dropSpace: boolean): number {
  const last = text.charCodeAt(text.length - 1);
  if (last >= 0xd800 && last <= 0xdbff) return text.length - 1;
  const start = findCutMarker(text);
  const space = dropSpace && text.charAt(start - 1) === ' ';
  return space ? start - 1 : start;
}

function findCutMarker(text: string): number {
  const start = text.lastIndexOf('<');
  if (start === -1 || text.length - start > MAX_MARKER) return text.length;
  const end = text.slice(start);
  return OPENING.startsWith(end) || CUT_MARKER.test(end) ? start : text.length;
}
