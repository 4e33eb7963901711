import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  deleteDocument,
  findDocument,
  type ImportOutcome,
  importDocuments,
  importServerDocument,
  listDocuments,
  searchDocuments,
} from '../../../src/documents/documents.ts';
import type { DocumentSource } from '../../../src/types/document.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const ada = { id: 'ada', name: 'Ada', roles: [] };
const bob = { id: 'bob', name: 'Bob', roles: [] };
const at = new Date('2026-01-02T03:04:05.678Z');

let db: TestDatabase;
let deps: { database: TestDatabase['database']; now: () => number };
beforeAll(async () => {
  db = await createTestDatabase();
  deps = { database: db.database, now: () => at.getTime() };
});
afterAll(() => db[Symbol.asyncDispose]());

const source = (name: string, content: string, change: Partial<DocumentSource> = {}): DocumentSource => ({
  name,
  format: 'MARKDOWN',
  content,
  ...change,
});
const importOne = async (one: DocumentSource): Promise<ImportOutcome> => {
  const [outcome] = await importDocuments(deps, ada, [one]);
  if (outcome === undefined) throw new Error('no outcome');
  return outcome;
};
const search = (query: string, limit = 10) => searchDocuments(deps, bob, { query, limit });
const countRows = async (table: string): Promise<number> => {
  const [row] = await db.database.driver<
    { count: number }[]
  >`SELECT count(*)::integer AS count FROM ${db.database.driver(table)}`;
  return row?.count ?? Number.NaN;
};

describe('an import', () => {
  test('creates a document that every viewer can read', async () => {
    const content = '# Walrus\n\nA walrus has tusks.\n\n## Food\n\nIt eats clams.';
    const { document, outcome } = await importOne(
      source('walrus.md', content, { url: 'https://example.org/walrus' }),
    );
    expect(outcome).toBe('CREATED');
    expect(document).toEqual({
      id: expect.any(String),
      name: 'walrus.md',
      title: 'Walrus',
      url: 'https://example.org/walrus',
      format: 'MARKDOWN',
      passageCount: 2,
      byteSize: content.length,
      importedAt: at,
    });
    expect(await findDocument(deps, bob, document.id)).toEqual(document);
    expect(await search('clam')).toEqual([
      {
        documentId: document.id,
        documentName: 'walrus.md',
        title: 'Walrus',
        url: 'https://example.org/walrus',
        ordinal: 1,
        heading: 'Food',
        text: 'It eats clams.',
        score: expect.any(Number),
      },
    ]);
  });

  test('of the same name replaces the document, which keeps its id, and leaves nothing of the old text', async () => {
    const first = await importOne(source('heron.md', 'The heron fishes.'));
    const second = await importOne(source('heron.md', 'The egret wades.'));
    expect([first.outcome, second.outcome]).toEqual(['CREATED', 'REPLACED']);
    expect(second.document.id).toBe(first.document.id);
    expect(await search('fishes')).toEqual([]);
    expect(await search('egret')).toMatchObject([{ documentName: 'heron.md' }]);
  });

  test('of the same source changes nothing', async () => {
    const first = await importOne(source('stork.md', 'The stork nests.'));
    const later = { ...deps, now: () => at.getTime() + 1 };
    expect(await importDocuments(later, ada, [source('stork.md', 'The stork nests.')])).toEqual([
      { document: first.document, outcome: 'UNCHANGED' },
    ]);
    expect(await importOne(source('stork.md', 'The stork nests.', { title: 'Stork' }))).toMatchObject({
      outcome: 'REPLACED',
      document: { title: 'Stork' },
    });
  });

  test('tells the outcomes in the order of the sources', async () => {
    await importOne(source('b', 'pelican'));
    const outcomes = await importDocuments(deps, ada, [
      source('a', 'one'),
      source('b', 'two'),
      source('a', 'one'),
    ]);
    expect(outcomes.map(({ document, outcome }) => [document.name, outcome])).toEqual([
      ['a', 'CREATED'],
      ['b', 'REPLACED'],
      ['a', 'UNCHANGED'],
    ]);
  });

  test.each(['a\0b', '# Only a heading'])('with one bad source stores none: %j', async (content) => {
    const work = importDocuments(deps, ada, [source('good-one', 'fine'), source('bad-one', content)]);
    await expect(work).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('bad-one'),
    });
    expect((await listDocuments(deps, ada, { limit: 100 })).map(({ name }) => name)).not.toContain(
      'good-one',
    );
  });

  test('of a source without text is refused', async () => {
    const work = importOne(source('blank.html', '<script>1</script>', { format: 'HTML' }));
    await expect(work).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('no text'),
    });
  });

  test('takes a mebibyte, and more only when told so', async () => {
    const large = source('large.txt', 'gannet '.repeat(200_000), { format: 'TEXT' });
    await expect(importOne(large)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    const { document } = await importServerDocument({ ...deps, maxContentBytes: 10_000_000 }, large);
    expect(document.passageCount).toBeGreaterThan(600);
    await deleteDocument(deps, ada, document.id);
  });

  test('of one name at the same time from many sides leaves one whole document', async () => {
    const texts = Array.from(
      { length: 12 },
      (_, index) => `# T\n\nbittern${index}\n\n## B\n\nbittern${index}`,
    );
    const outcomes = await Promise.all(texts.map((text) => importOne(source('race.md', text))));
    expect(new Set(outcomes.map(({ document }) => document.id)).size).toBe(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'CREATED')).toHaveLength(1);
    const found = (await Promise.all(texts.map((_, index) => search(`bittern${index}`)))).filter(
      (list) => list.length > 0,
    );
    expect(found).toHaveLength(1);
    expect(found[0]).toHaveLength(2);
  });
});

describe('a document', () => {
  test('is deleted with its passages and terms', async () => {
    const before = [await countRows('passage'), await countRows('passage_term')];
    const { document } = await importOne(source('dodo.md', 'The dodo is gone.'));
    expect(await deleteDocument(deps, bob, document.id)).toEqual(document);
    expect(await findDocument(deps, ada, document.id)).toBeUndefined();
    expect([await countRows('passage'), await countRows('passage_term')]).toEqual(before);
  });

  test.each(['0190a0b0-0000-7000-8000-000000000001', 'no-id'])(
    'that does not exist is not found: %s',
    async (id) => {
      expect(await findDocument(deps, ada, id)).toBeUndefined();
      await expect(deleteDocument(deps, ada, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    },
  );

  test('is listed by name, page by page, once', async () => {
    const all = await listDocuments(deps, ada, { limit: 100 });
    expect(all.length).toBeGreaterThan(3);
    const names = [];
    let after: { name: string; id: string } | undefined;
    for (;;) {
      const page = await listDocuments(deps, bob, { limit: 2, after });
      names.push(...page.map(({ name }) => name));
      after = page.at(-1);
      if (after === undefined) break;
    }
    expect(names).toEqual(all.map(({ name }) => name));
  });
});
