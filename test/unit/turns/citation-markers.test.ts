import { describe, expect, it } from 'vitest';
import { findOpenEnd, MAX_MARKER, removeMarkers } from '../../../src/turns/citation-markers.ts';
import type { JsonObject } from '../../../src/types/json.ts';
import { completed, delta, fileSearch, itemAdded, message } from '../../support/streams.ts';
import { joinTokens, translateAll, translateTurn } from '../../support/translated.ts';

const searched: JsonObject = itemAdded(fileSearch(null));
const longest = `<|file-${'a'.repeat(MAX_MARKER - 9)}|>`;

describe('markers', () => {
  it.each<[string, string, string]>([
    ['up 15% <|file-1_a|>.', 'up 15%.', 'up 15% .'],
    ['a <|file-1|> <|file-2|> b', 'a b', 'a   b'],
    ['a  <|file-1|>', 'a ', 'a  '],
    [
      '<|file-|> <|file 1|> <|other-1|> <|file-1|',
      '<|file-|> <|file 1|> <|other-1|> <|file-1|',
      '<|file-|> <|file 1|> <|other-1|> <|file-1|',
    ],
    [`a${longest}b`, 'ab', 'ab'],
    [
      `a${longest.replace('a|>', 'aa|>')}`,
      `a${longest.replace('a|>', 'aa|>')}`,
      `a${longest.replace('a|>', 'aa|>')}`,
    ],
  ])('in %j are removed, with the space before them or without', (text, withSpace, without) => {
    expect([removeMarkers(text, true), removeMarkers(text, false)]).toEqual([withSpace, without]);
  });
});

describe('the open end', () => {
  it.each<[string, string, string]>([
    ['plain', '', ''],
    ['a space ', ' ', ''],
    ['a <', ' <', '<'],
    ['a <|file-12', ' <|file-12', '<|file-12'],
    ['a <|file-12|', ' <|file-12|', '<|file-12|'],
    ['a <|file-12|>', '', ''],
    ['a <b', '', ''],
    ['a <|file-|', '', ''],
    ['a < <|f', ' <|f', '<|f'],
    ['a\ud83d', '\ud83d', '\ud83d'],
    [longest.slice(0, -1), longest.slice(0, -1), longest.slice(0, -1)],
    [`<|file-${'a'.repeat(MAX_MARKER)}`, '', ''],
    ['', '', ''],
  ])('of %j is what may become a marker', (text, withSpace, without) => {
    expect([text.slice(findOpenEnd(text, true)), text.slice(findOpenEnd(text, false))]).toEqual([
      withSpace,
      without,
    ]);
  });
});

describe('in an answer', () => {
  it('are removed from the tokens, wherever deltas cut them, and from the final text', () => {
    const deltas = ['up 15%', ' <', '|', 'file-4', '|>', '.\n', 'Next'];
    const events = [
      searched,
      ...deltas.map((text) => delta(text)),
      completed([message('up 15% <|file-4|>.\nNext')]),
    ];
    const { bodies, summary } = translateTurn(events);
    expect(bodies.flatMap((body) => (body.type === 'token' ? [body.token] : []))).toEqual([
      'up 15%',
      '.\n',
      'Next',
    ]);
    expect(summary.answer).toBe('up 15%.\nNext');
  });

  it('hold back no space where no files were searched', () => {
    expect(translateAll([delta('Hello '), delta('you <')]).bodies).toMatchObject([
      { token: 'Hello ' },
      { token: 'you ' },
    ]);
  });

  it('are told as text when they never end', () => {
    expect(joinTokens(translateTurn([searched, delta('a <|fi'), completed([])]).bodies)).toBe('a <|fi');
    const endless = ['<|file-', ...Array.from({ length: 300 }, () => 'x')];
    const { bodies } = translateAll(endless.map((text) => delta(text)));
    expect(joinTokens(bodies)).toBe(endless.join(''));
  });
});
