import { expect, test } from 'vitest';
import { choosePassages } from '../../../src/responder/choose-passages.ts';
import type { FoundPassage } from '../../../src/types/document.ts';

const passage = (score: number, heading: string | null = 'Cursors'): FoundPassage => ({
  documentId: '0190a0b0-0000-7000-8000-000000000001',
  documentName: 'docs/resume.md',
  title: 'Resuming',
  url: null,
  ordinal: 0,
  heading,
  text: 'A cursor is opaque.',
  score,
});
const choose = (found: readonly FoundPassage[], question = 'How?') =>
  choosePassages(found, question).map(({ score }) => score);

test('at most four passages are quoted, and none that matches less than half as well as the best', () => {
  expect(choose([10, 9, 8, 7, 6].map((score) => passage(score)))).toEqual([10, 9, 8, 7]);
  expect(choose([10, 5, 4.9].map((score) => passage(score)))).toEqual([10, 5]);
  expect(choose([])).toEqual([]);
});

test('a passage under the very question is quoted alone, whatever the case and the punctuation', () => {
  const found = [passage(10), passage(6, 'Basics › What is `Millrace`?'), passage(5, null)];
  expect(choose(found, 'what is millrace')).toEqual([6]);
  expect(choose(found, 'What is Millrace for?')).toEqual([10, 6, 5]);
});

test('a question without words is no heading', () => {
  expect(choose([passage(10, ''), passage(9, '?')], '???')).toEqual([10, 9]);
});
