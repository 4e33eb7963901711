import { describe, expect, test } from 'vitest';
import { parseDocument } from '../../../src/documents/parse.ts';
import type { DocumentFormat } from '../../../src/types/document.ts';

const parse = (format: DocumentFormat, content: string, title?: string) =>
  parseDocument({ name: 'guide.md', format, content, title });

describe('the title', () => {
  test.each([
    ['the one that is given', 'MARKDOWN', '# Heading\n\ntext', 'Given', 'Given'],
    [
      'the first heading',
      'MARKDOWN',
      'intro\n\n# The `first` *heading*\n\ntext',
      undefined,
      'The first heading',
    ],
    [
      'the text of a linked heading',
      'MARKDOWN',
      '# [Millrace](https://example.org)\n\ntext',
      undefined,
      'Millrace',
    ],
    ['an underlined heading', 'MARKDOWN', 'The title\n=========\n\ntext', undefined, 'The title'],
    [
      'the front matter',
      'MARKDOWN',
      '---\nlayout: page\ntitle: "From: the front"\n---\n# Other\n\ntext',
      undefined,
      'From: the front',
    ],
    [
      'the page title',
      'HTML',
      '<title>Page &amp; title</title><h1>Heading</h1><p>text',
      undefined,
      'Page & title',
    ],
    ['the first HTML heading', 'HTML', '<h2>Heading <em>two</em></h2><p>text', undefined, 'Heading two'],
    ['else the name', 'TEXT', '# not a heading in plain text', undefined, 'guide.md'],
  ] as const)('is %s', (_rule, format, content, given, title) => {
    expect(parse(format, content, given).title).toBe(title);
  });

  test('is cut to 512 characters', () => {
    expect(parse('MARKDOWN', `# ${'x'.repeat(600)}\n\ntext`).title).toHaveLength(512);
  });
});

describe('Markdown', () => {
  test('each passage knows the headings above it, without the title', () => {
    const { passages } = parse(
      'MARKDOWN',
      '# Guide\n\nIntro.\n\n## Install\n\nRun it.\n\n### Linux ###\n\napt.\n\n## Use\n\nCall it.',
    );
    expect(passages).toEqual([
      { heading: null, text: 'Intro.' },
      { heading: 'Install', text: 'Run it.' },
      { heading: 'Install › Linux', text: 'apt.' },
      { heading: 'Use', text: 'Call it.' },
    ]);
  });

  test('inside a code block nothing is a heading or a paragraph break', () => {
    const code = '```sh\n# a comment\n\n~~~\nmake\n```';
    expect(parse('MARKDOWN', `Before:\n\n${code}\n\nAfter.`).passages).toEqual([
      { heading: null, text: `Before:\n\n${code}\n\nAfter.` },
    ]);
  });

  test('a longer fence contains a shorter one', () => {
    const code = '````md\n```\ninner\n```\n# still code\n````';
    expect(parse('MARKDOWN', `${code}\n`).passages).toEqual([{ heading: null, text: code }]);
  });

  test('a code block that is never closed is kept', () => {
    expect(parse('MARKDOWN', 'text\n```\nopen').passages).toEqual([
      { heading: null, text: 'text\n\n```\nopen' },
    ]);
  });

  test('line endings of Windows are read like others', () => {
    expect(parse('MARKDOWN', '# A\r\n\r\none\r\n\r\n## B\r\n\r\ntwo').passages).toEqual([
      { heading: null, text: 'one' },
      { heading: 'B', text: 'two' },
    ]);
  });

  test('comments are left out, but not those in code', () => {
    const content = '<!-- a\nb -->\n\none <!-- two --> three <!-- open\n\n```html\n<!-- kept -->\n```';
    expect(parse('MARKDOWN', content).passages).toEqual([
      { heading: null, text: 'one  three <!-- open\n\n```html\n<!-- kept -->\n```' },
    ]);
  });

  test('a rule between paragraphs is not a heading', () => {
    expect(parse('MARKDOWN', 'one\n\n---\n\ntwo').title).toBe('guide.md');
  });

  test.each(['[', '#', '`', '*', '(', ' ', '- ', '<', '\n#'])(
    'a megabyte of %j is read in linear time',
    (piece) => {
      const content = `# ${piece.repeat(1_000_000 / piece.length)} x`;
      const start = performance.now();
      parse('MARKDOWN', content);
      expect(performance.now() - start).toBeLessThan(3_000);
    },
  );
});

describe('HTML', () => {
  test('shows what a reader of the page would see', () => {
    const page = `<!doctype html><html><head><title>T</title><style>p{}</style><script>alert(1)</script></head><body>
      <nav>Menu</nav><h1>T</h1><p>One <b>bold</b>\n word &lt;tag&gt;<br>next line</p>
      <ul><li>first<li><a href="/x">second</a></ul>
      <h2>Code</h2><pre><code>a  =  1;\n  b();</code></pre>
      <table><tr><th>k</th><th>v</th></tr><tr><td>1</td><td>2</td></tr></table></body></html>`;
    expect(parse('HTML', page).passages).toEqual([
      { heading: null, text: 'One bold word <tag>\nnext line\n\n- first\n- second' },
      { heading: 'Code', text: '```\na  =  1;\n  b();\n```\n\nk | v\n\n1 | 2' },
    ]);
  });

  test('code that contains fences gets a longer fence', () => {
    expect(parse('HTML', '<pre>```\nx\n```</pre>').passages[0]?.text).toBe('````\n```\nx\n```\n````');
  });

  test('entities that stand for no character become U+FFFD', () => {
    expect(parse('HTML', '<p>a&#0;b&#xD800;c').passages[0]?.text).toBe('a\uFFFDb\uFFFDc');
  });

  test.each(['', '</p></div></pre></script>', '<script><p>never closed'])('survives %j', (content) => {
    expect(parse('HTML', content).passages).toEqual([]);
  });
});

test('plain text is cut at blank lines only', () => {
  expect(parse('TEXT', 'one\ntwo\n \n\n  three\n').passages).toEqual([
    { heading: null, text: 'one\ntwo\n\n  three' },
  ]);
});
