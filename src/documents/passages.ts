/** Cuts blocks into passages: pieces that are small enough to quote whole and large enough to stand alone. */
import type { Block, TextBlock } from './blocks.ts';

export interface Passage {
  /** The headings above the passage, outermost first, joined by " › "; null at the top of a document. */
  readonly heading: string | null;
  readonly text: string;
}

/** A passage takes blocks until it has this many words … */
const ENOUGH_WORDS = 120;
/** … and then only those with which it stays below this many. Longer paragraphs are cut. */
const MAX_WORDS = 250;
/** A passage that has too little takes a large block up to this many; code is kept whole up to here. */
const MAX_CODE_WORDS = 500;
/** For text without spaces, this many UTF-16 units count as one word. */
const UNITS_PER_WORD = 12;
/** The longest heading path that is kept. */
const MAX_HEADING_LENGTH = 1_000;

/** In document order. A heading that is the document's title is left out of the heading paths. */
export function toPassages(blocks: readonly Block[], title: string): readonly Passage[] {
  const passages: Passage[] = [];
  const path: string[] = [];
  let texts: string[] = [];
  let words = 0;
  const close = (): void => {
    if (texts.length > 0) passages.push({ heading: toHeadingPath(path, title), text: texts.join('\n\n') });
    texts = [];
    words = 0;
  };
  for (const block of blocks) {
    if (block.kind === 'heading') {
      close();
      path.length = block.level - 1;
      path[block.level - 1] = block.text;
      continue;
    }
    for (const piece of toPieces(block)) {
      const more = countWords(piece);
      if (words + more > (words < ENOUGH_WORDS ? MAX_CODE_WORDS : MAX_WORDS)) close();
      texts.push(piece);
      words += more;
    }
  }
  close();
  return passages;
}

function toHeadingPath(path: readonly (string | undefined)[], title: string): string | null {
  const headings = path.filter((heading) => heading !== undefined && heading !== '' && heading !== title);
  return headings.length === 0 ? null : headings.join(' › ').slice(0, MAX_HEADING_LENGTH).toWellFormed();
}

function countWords(text: string): number {
  const spaces = text.match(/\s+/g)?.length ?? 0;
  return Math.max(spaces + 1, Math.ceil(text.length / UNITS_PER_WORD));
}

function toPieces(block: TextBlock): readonly string[] {
  if (block.kind === 'code') {
    return countWords(block.text) <= MAX_CODE_WORDS ? [block.text] : cutCode(block.text);
  }
  return countWords(block.text) <= MAX_WORDS ? [block.text] : pack(toFragments(block.text), MAX_WORDS);
}

/** Each piece of a fenced block gets the fence of the whole. */
function cutCode(text: string): readonly string[] {
  const lines = text.split('\n');
  const [opening = ''] = lines;
  const fence = /^\s*(`{3,}|~{3,})/.exec(opening)?.[1];
  if (fence === undefined) return pack(toFragments(text), MAX_WORDS);
  const isClosed = lines.at(-1)?.trim().startsWith(fence) === true;
  const inner = lines.slice(1, isClosed ? -1 : undefined);
  const fragments = inner.flatMap((line) => cutLong(`${line}\n`));
  return pack(fragments, MAX_WORDS).map((piece) => `${opening}\n${piece}\n${fence}`);
}

/** Lines, or sentences where a line is long, or words, or bare characters: each short enough to be packed. */
function toFragments(text: string): readonly string[] {
  return text
    .split(/(?<=\n)/)
    .flatMap((line) => (countWords(line) <= MAX_WORDS ? [line] : line.split(/(?<=[.!?]\s)|(?<=[。！？])/)))
    .flatMap(cutLong);
}

function cutLong(text: string): readonly string[] {
  if (countWords(text) <= MAX_WORDS) return [text];
  return (text.match(/\S+\s*|\s+/g) ?? []).flatMap((word) => word.match(/[\s\S]{1,1200}/gu) ?? []);
}

function pack(fragments: readonly string[], limit: number): readonly string[] {
  const pieces: string[] = [];
  let open: string[] = [];
  let words = 0;
  const close = (): void => {
    const text = open.join('').trimEnd();
    if (text !== '') pieces.push(text);
    open = [];
    words = 0;
  };
  for (const fragment of fragments) {
    const more = countWords(fragment);
    if (words + more > limit) close();
    open.push(fragment);
    words += more;
  }
  close();
  return pieces;
}
