import { describe, expect, it } from 'vitest';
import type { ReferencedDocument } from '../../../src/types/document.ts';
import type { JsonObject } from '../../../src/types/json.ts';
import { annotated, completed, delta, fileSearch, itemDone } from '../../support/streams.ts';
import { translateTurn } from '../../support/translated.ts';

const documentsOf = (...events: readonly JsonObject[]): readonly ReferencedDocument[] =>
  translateTurn(events).summary.referencedDocuments;
const citation = (url: string, title?: string): JsonObject => ({
  type: 'url_citation',
  url,
  ...(title !== undefined && { title }),
});
const fileCitation = (fileId: string, filename: string): JsonObject => ({
  type: 'file_citation',
  file_id: fileId,
  filename,
});
const added = (annotation: JsonObject): JsonObject => ({
  type: 'response.output_text.annotation.added',
  annotation,
});

describe('documents of search results', () => {
  it.each<[string, unknown, string | null]>([
    ['link', { link: 'https://a.example/1', url: 'https://a.example/2' }, 'https://a.example/1'],
    ['url', { link: '', url: 'https://a.example/2', doc_url: 'https://a.example/3' }, 'https://a.example/2'],
    ['doc_url, normalised', { doc_url: 'HTTPS://A.Example:443/A B' }, 'https://a.example/A%20B'],
    ['nothing for empty ones', { link: '', url: '' }, null],
    ['nothing for what is no text', { url: 7 }, null],
    ['nothing without attributes', null, null],
    ['nothing for a relative one', { url: 'docs/a.md' }, null],
    ['nothing for a script', { url: 'javascript:alert(1)' }, null],
  ])('have as url: %s', (_, attributes, url) => {
    const result = { filename: 'a.pdf', attributes } as JsonObject;
    expect(documentsOf(itemDone(fileSearch([result])))).toEqual([{ title: 'a.pdf', url }]);
  });

  it('need no title, but something', () => {
    const results = [{ attributes: { url: 'https://a.example/' } }, { attributes: {} }, { filename: '' }];
    expect(documentsOf(itemDone(fileSearch(results)))).toEqual([{ title: null, url: 'https://a.example/' }]);
  });
});

describe('documents of annotations', () => {
  it('are the citations of urls and files, each once, in order of appearance', () => {
    const annotations = [
      citation('https://a.example', 'A'),
      citation('https://a.example/', 'A'),
      citation('', 'No url'),
      citation('data:text/html,x', 'Unsafe'),
      citation('data:text/html,x'),
      fileCitation('file_1', 'f.md'),
      { type: 'file_citation', title: 'Only a title' },
      { type: 'container_file_citation', filename: 'plot.png' },
      { type: 'file_path', file_id: 'file_2' },
    ];
    expect(documentsOf(completed([annotated('x', annotations)]))).toEqual([
      { title: 'A', url: 'https://a.example/' },
      { title: 'No url', url: null },
      { title: 'Unsafe', url: null },
      { title: 'f.md', url: null },
      { title: 'Only a title', url: null },
    ]);
  });

  it('are those that were streamed, when the response has none', () => {
    const streamed = [delta('x'), added(citation('https://a.example/', 'A'))];
    expect(documentsOf(...streamed, completed([annotated('x', [])]))).toHaveLength(1);
    expect(documentsOf(...streamed)).toHaveLength(1);
    const other = completed([annotated('x', [citation('https://b.example/', 'B')])]);
    expect(documentsOf(...streamed, other)).toEqual([{ title: 'B', url: 'https://b.example/' }]);
  });

  it('come after those of the search', () => {
    const search = itemDone(fileSearch([{ filename: 'a.pdf' }]));
    const cited = completed([annotated('x', [citation('https://a.example/', 'A')])]);
    expect(documentsOf(search, cited).map((document) => document.title)).toEqual(['a.pdf', 'A']);
  });
});

describe('titles', () => {
  it('are names of files: an id is replaced by the name that a citation knows, or left out', () => {
    const results = ['file-1', 'file-2'].map((id) => ({ file_id: id, filename: id }));
    const cited = completed([annotated('x', [fileCitation('file-1', 'tides.txt')])]);
    expect(documentsOf(itemDone(fileSearch(results)), cited)).toEqual([{ title: 'tides.txt', url: null }]);
  });

  it('are repaired', () => {
    expect(documentsOf(completed([annotated('x', [citation('https://a.example/', 'a\0\ud800')])]))).toEqual([
      { title: 'a\uFFFD\uFFFD', url: 'https://a.example/' },
    ]);
  });
});

describe('chunks', () => {
  it('are the results that have text, with the file as their source', () => {
    const results = [
      { file_id: 'f-1', filename: 'a.pdf', text: 'one\0', score: 0.5 },
      { file_id: 'f-2', filename: 'f-2', text: 'two' },
      { text: 'three' },
      { filename: 'no text' },
    ];
    expect(translateTurn([itemDone(fileSearch(results))]).summary.chunks).toEqual([
      { content: 'one\uFFFD', source: 'a.pdf', score: 0.5 },
      { content: 'two', source: 'f-2', score: null },
      { content: 'three', source: null, score: null },
    ]);
  });
});
