import { describe, expect, test } from 'vitest';
import { composeAnswer } from '../../../src/responder/compose-answer.ts';
import type { FoundPassage } from '../../../src/types/document.ts';

const passage = (change: Partial<FoundPassage> = {}): FoundPassage => ({
  documentId: '0190a0b0-0000-7000-8000-000000000001',
  documentName: 'docs/resume.md',
  title: 'Resuming',
  url: null,
  ordinal: 0,
  heading: 'Cursors',
  text: 'A cursor is opaque.\n\nKeep it.',
  score: 10,
  ...change,
});

describe('an answer', () => {
  test.each([
    ['something is found', [passage()]],
    ['nothing is found', []],
    ['nothing may be searched', undefined],
  ])('says first that no language model is configured, and how to configure one, when %s', (_rule, found) => {
    const [opening = ''] = composeAnswer(found).text.split('\n\n');
    expect(opening).toContain('No language model is configured');
    expect(opening).toContain('`OPENAI_API_KEY`, or `OPENAI_BASE_URL` together with `OPENAI_MODEL`');
  });

  test('quotes the passage whole, under its number, title, heading and source', () => {
    const { text } = composeAnswer([passage()]);
    expect(text).toContain(
      '\n\n[1] **Resuming** › Cursors (`docs/resume.md`)\n\n> A cursor is opaque.\n>\n> Keep it.',
    );
  });

  test('links a document that has a URL', () => {
    const { text } = composeAnswer([passage({ url: 'https://example.org/a b>c', heading: null })]);
    expect(text).toContain('[1] **Resuming** (<https://example.org/a%20b%3Ec>)');
  });

  test('each citation marks its number in the text', () => {
    const { text, citations } = composeAnswer([passage(), passage({ ordinal: 1 }), passage({ ordinal: 2 })]);
    expect(citations.map(({ start, end }) => text.slice(start, end))).toEqual(['[1]', '[2]', '[3]']);
    expect(citations.map((citation) => citation.passage.ordinal)).toEqual([0, 1, 2]);
  });

  test('keeps markup in a title from being read as markup', () => {
    expect(composeAnswer([passage({ title: '<b>*a*\n[x]', heading: null })]).text).toContain(
      '**\\<b\\>\\*a\\* \\[x\\]**',
    );
  });

  test('says so when nothing matches', () => {
    expect(composeAnswer([])).toEqual({
      text: expect.stringContaining('No imported document matches'),
      citations: [],
    });
  });

  test('says so when the search was not allowed', () => {
    expect(composeAnswer(undefined)).toEqual({
      text: expect.stringContaining('without document search'),
      citations: [],
    });
  });
});
