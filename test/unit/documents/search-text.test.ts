import { expect, test } from 'vitest';
import { toSearchText } from '../../../src/documents/search-text.ts';

test.each([
  [
    'paths and addresses are words',
    'src/db/client.ts http://a.org/x?y=1',
    'src db client ts http a org x y 1',
  ],
  ['tags and type arguments are words', 'Promise<Document> <b>', 'Promise Document b'],
  ['either of two is both', 'wait/retry and/or', 'wait retry and or'],
  ['a name in camelCase is itself and its parts', 'streamingQuery', 'streamingQuery streaming Query'],
  ['a name in capitals is its parts', 'OPENAI_BASE_URL', 'OPENAI BASE URL'],
  ['accents stay', 'Größe café', 'Größe café'],
  ['full-width letters become ordinary ones', 'ＡＢＣ', 'ABC'],
  ['scripts without spaces become pairs', '東京都の', '東京 京都 都の'],
  ['a single such character stays', '猫 cat', '猫  cat'],
  ['NUL and half surrogates are no words', 'a\0b\uD800c', 'a b c'],
  ['marks alone are nothing', '?! … --', ''],
])('%s', (_rule, text, expected) => {
  expect(toSearchText(text)).toBe(expected);
});

test('a long word takes no long time', () => {
  const start = performance.now();
  toSearchText('a'.repeat(1_000_000));
  expect(performance.now() - start).toBeLessThan(1_000);
});
