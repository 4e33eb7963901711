import { expect, test } from 'vitest';
import { requireImportable } from '../../../src/documents/importable.ts';
import type { DocumentSource } from '../../../src/types/document.ts';

const good: DocumentSource = {
  name: 'a.md',
  format: 'MARKDOWN',
  content: 'text',
  url: 'https://example.org/a',
  title: 'A',
};
const check = (change: Partial<DocumentSource>) => () => requireImportable({ ...good, ...change }, 10);

test('a source within the limits is importable', () => {
  expect(check({})).not.toThrow();
  expect(
    check({ name: 'x'.repeat(512), content: '1234567890', url: undefined, title: undefined }),
  ).not.toThrow();
});

test.each([
  ['an empty name', { name: ' ' }, 'must have 1 to 512 characters'],
  ['a long name', { name: 'x'.repeat(513) }, 'must have 1 to 512 characters'],
  ['a NUL in the name', { name: 'a\0' }, 'name of a document contains a NUL'],
  ['a NUL in the content', { content: 'a\0' }, "'a.md' contains a NUL"],
  ['half a surrogate pair', { content: 'a\uD800' }, "'a.md' contains a NUL character or half"],
  ['a lone surrogate in the title', { title: '\uDC00' }, "'a.md' contains a NUL character or half"],
  ['a long title', { title: 'x'.repeat(513) }, 'longer than 512'],
  ['blank content', { content: ' \n' }, "'a.md' is empty"],
  ['content over the limit, in bytes', { content: 'ééééé€' }, "'a.md' is too large: 13 bytes, at most 10"],
  ['a URL of another kind', { url: 'javascript:alert(1)' }, 'absolute http or https URL'],
  ['a relative URL', { url: '/a' }, 'absolute http or https URL'],
  ['a URL that is none', { url: 'https://' }, 'absolute http or https URL'],
])('%s is refused', (_rule, change, message) => {
  expect(check(change)).toThrow(
    expect.objectContaining({ code: 'BAD_USER_INPUT', message: expect.stringContaining(message) }),
  );
});
