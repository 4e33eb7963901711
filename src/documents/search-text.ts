/** Prepares text for Postgres' text search: bare words, so that its parser sees no paths, tags, hosts or e-mail addresses. */

/** Scripts without spaces between words; neighbouring pairs of characters stand for words. */
const UNSPACED_RUN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]+/gu;
const NO_WORD = /[^\p{L}\p{M}\p{N}]+/gu;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const HUMP = /(?<=\p{Ll})(?=\p{Lu})/gu;

/**
 * The same for passages and queries; stems and stop words are Postgres' matter.
 * A name in camelCase counts as itself and as its parts.
 */
export function toSearchText(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(NO_WORD, ' ')
    .replaceAll(WORD, (word) => [word, ...toHumps(word)].join(' '))
    .replaceAll(UNSPACED_RUN, (run) => ` ${toPairs(run)} `)
    .trim();
}

/** The parts of a name in camelCase; nothing for any other word. */
function toHumps(word: string): readonly string[] {
  const parts = word.split(HUMP);
  return parts.length === 1 ? [] : parts;
}

function toPairs(run: string): string {
  const characters = Array.from(run);
  if (characters.length === 1) return run;
  return characters
    .slice(1)
    .map((character, index) => `${characters[index]}${character}`)
    .join(' ');
}
