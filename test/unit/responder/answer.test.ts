import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutAnswer, estimateTokens } from '../../../src/responder/answer.ts';
import { composeAnswer } from '../../../src/responder/compose-answer.ts';
import { toSearchQuery } from '../../../src/responder/search-query.ts';

test('four bytes count as a token, rounded up', () => {
  expect(['', 'a', 'abcd', 'abcde', '€€'].map(estimateTokens)).toEqual([0, 1, 1, 2, 2]);
});

test('a cut answer is the beginning of the whole, ends with a word, and fits', () => {
  const { text } = composeAnswer(undefined);
  const longest = estimateTokens(text);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: longest - 1 }), (maxTokens) => {
      const cut = cutAnswer({ text, citations: [] }, maxTokens).text;
      expect(text.startsWith(cut)).toBe(true);
      expect(estimateTokens(cut)).toBeLessThanOrEqual(maxTokens);
      expect(text.charAt(cut.length)).toMatch(cut === '' ? /./ : /\s/);
    }),
  );
  expect(cutAnswer({ text, citations: [] }, longest).text).toBe(text);
});

test('a citation whose mark is cut off is dropped', () => {
  const passage = {
    documentId: 'd',
    documentName: 'n',
    title: 't',
    url: null,
    ordinal: 0,
    heading: null,
    text: 'x',
    score: 1,
  };
  const citations = [
    { passage, start: 0, end: 3 },
    { passage, start: 8, end: 11 },
  ];
  expect(cutAnswer({ text: '[1] abc\n[2] def', citations }, 2)).toEqual({
    text: '[1] abc',
    citations: [citations[0]],
  });
});

test.each([
  ['a question alone', ['Why?'], 'Why?'],
  [
    'a question with enough words is searched alone',
    ['What is a cursor?', 'How are quotas refilled?'],
    'How are quotas refilled?',
  ],
  [
    'a short follow-up takes the question before it along',
    ['How are events kept?', 'And on Redis?'],
    'And on Redis?\nHow are events kept?',
  ],
  ['repeating a word makes no question longer', ['How?', 'cursor cursor'], 'cursor cursor\nHow?'],
])('%s', (_rule, messages, query) => {
  expect(toSearchQuery(messages)).toBe(query);
});
