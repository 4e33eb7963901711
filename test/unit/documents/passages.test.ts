import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Block } from '../../../src/documents/blocks.ts';
import { toPassages } from '../../../src/documents/passages.ts';

const words = (count: number, word = 'word') =>
  Array.from({ length: count }, (_, index) => `${word}${index}`).join(' ');
const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
const code = (text: string): Block => ({ kind: 'code', text });
const countWords = (text: string) => text.split(/\s+/).length;
const cut = (...blocks: readonly Block[]) => toPassages(blocks, 'Title').map(({ text }) => text);

describe('a passage', () => {
  test('takes paragraphs until it has enough', () => {
    const texts = [words(50, 'a'), words(80, 'b'), words(130, 'c'), words(20, 'd')];
    expect(cut(...texts.map(paragraph))).toEqual([
      `${texts[0]}\n\n${texts[1]}`,
      `${texts[2]}\n\n${texts[3]}`,
    ]);
  });

  test('never crosses a heading', () => {
    const heading: Block = { kind: 'heading', level: 2, text: 'Next' };
    expect(toPassages([paragraph('a'), heading, paragraph('b')], 'Title')).toEqual([
      { heading: null, text: 'a' },
      { heading: 'Next', text: 'b' },
    ]);
  });

  test('keeps a code block whole', () => {
    const block = `\`\`\`\n${words(400)}\n\`\`\``;
    expect(cut(paragraph(words(100)), code(block))).toEqual([words(100), block]);
  });

  test('cuts a huge code block between lines and fences each piece', () => {
    const lines = Array.from({ length: 300 }, (_, index) => `  call(${index}); // line`);
    const pieces = cut(code(`\`\`\`js\n${lines.join('\n')}\n\`\`\``));
    expect(pieces.length).toBeGreaterThan(1);
    for (const piece of pieces) expect(piece).toMatch(/^```js\n {2}call[\s\S]*line\n```$/);
    expect(pieces.flatMap((piece) => piece.split('\n').slice(1, -1))).toEqual(lines);
  });

  test('cuts a long paragraph between sentences', () => {
    const sentences = Array.from({ length: 40 }, (_, index) => `${words(12, `s${index}w`)}.`);
    const pieces = cut(paragraph(sentences.join(' ')));
    expect(pieces.length).toBeGreaterThan(1);
    for (const piece of pieces) expect(piece.endsWith('.')).toBe(true);
    expect(pieces.join(' ')).toBe(sentences.join(' '));
  });

  test('cuts a list between its lines', () => {
    const list = Array.from({ length: 60 }, (_, index) => `- ${words(10, `i${index}w`)}`);
    const pieces = cut(paragraph(list.join('\n')));
    expect(pieces.flatMap((piece) => piece.split('\n'))).toEqual(list);
  });

  test('cuts text without spaces, and no character in two', () => {
    const text = '漢字🀄'.repeat(5_000);
    const pieces = cut(paragraph(text));
    expect(pieces.join('')).toBe(text);
    for (const piece of pieces) {
      expect(piece.isWellFormed()).toBe(true);
      expect(piece.length).toBeLessThanOrEqual(3_000);
    }
  });
});

test('no text is lost and no passage of prose is longer than 500 words', () => {
  const text = fc
    .array(fc.stringMatching(/^[a-z]{1,9}[.!?]?$/), { minLength: 1, maxLength: 400 })
    .map((list) => list.join(' '));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), (texts) => {
      const pieces = cut(...texts.map(paragraph));
      expect(pieces.join(' ').split(/\s+/)).toEqual(texts.join(' ').split(/\s+/));
      for (const piece of pieces) expect(countWords(piece)).toBeLessThanOrEqual(500);
    }),
  );
});
