import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importDocuments, searchDocuments, searchServerDocuments } from '../../../src/documents/documents.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const viewer = { id: 'ada', name: 'Ada', roles: [] };
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());

const search = (query: string, limit = 10) =>
  searchDocuments({ database: db.database }, viewer, { query, limit });

/** Replaces all documents by plain texts of one passage each; "t" is a stop word, so the titles count nothing. */
async function fill(texts: readonly string[]): Promise<void> {
  await db.database.driver`DELETE FROM document`;
  const sources = texts.map((content, index) => ({
    name: `${index}`,
    title: 't',
    format: 'TEXT' as const,
    content,
  }));
  await importDocuments({ database: db.database }, viewer, sources);
}

/** The textbook's BM25 over words that are their own stems. */
function rank(
  texts: readonly string[],
  query: readonly string[],
): readonly { name: string; score: number }[] {
  const passages = texts.map((text) => text.split(' '));
  const average = passages.flat().length / passages.length;
  const scored = passages.map((words, index) => {
    let score = 0;
    for (const term of new Set(query)) {
      const containing = passages.filter((other) => other.includes(term)).length;
      const idf = Math.log(1 + (passages.length - containing + 0.5) / (containing + 0.5));
      const frequency = words.filter((word) => word === term).length;
      score +=
        (idf * frequency * (1.2 + 1)) / (frequency + 1.2 * (1 - 0.75 + (0.75 * words.length) / average));
    }
    return { name: `${index}`, score };
  });
  return scored.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
}

describe('the ranking', () => {
  test('is BM25 with k1 = 1.2 and b = 0.75', async () => {
    const word = fc.constantFrom('xaa', 'xab', 'xac', 'xad', 'xaf', 'xag', 'xah');
    const text = fc.array(word, { minLength: 1, maxLength: 60 }).map((words) => words.join(' '));
    const corpus = fc.array(text, { minLength: 1, maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(corpus, fc.array(word, { minLength: 1, maxLength: 5 }), async (texts, query) => {
        await fill(texts);
        const expected = rank(texts, query);
        const found = await search(query.join(' '), 100);
        expect(found).toHaveLength(expected.length);
        const scores = new Map(expected.map(({ name, score }) => [name, score]));
        for (const [index, passage] of found.entries()) {
          expect(passage.score).toBeCloseTo(expected[index]?.score ?? Number.NaN, 6);
          expect(passage.score).toBeCloseTo(scores.get(passage.documentName) ?? Number.NaN, 6);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('gives at most as many as asked for, the best ones', async () => {
    await fill(['xaa', 'xaa xab xab xab', 'xaa xaa xaa']);
    expect((await search('xaa', 2)).map(({ text }) => text)).toEqual(['xaa xaa xaa', 'xaa']);
  });

  test('orders passages that match equally well in the order of their import', async () => {
    await fill(['xaa b', 'xaa c', 'xaa d']);
    expect((await search('xaa')).map(({ text }) => text)).toEqual(['xaa b', 'xaa c', 'xaa d']);
  });
});

describe('a query', () => {
  test.each([
    ['finds other forms of a word', 'The servers are restarting.', 'restart server', true],
    ['finds the parts of a camelCase name', 'Call streamingQuery.', 'streaming', true],
    ['finds a camelCase name as such', 'Call streamingQuery.', 'streamingQuery', true],
    ['finds parts of a path', 'See src/db/client.ts.', 'client', true],
    ['finds names between angle brackets', 'A Promise<Document> comes.', 'document', true],
    ['finds a word in a language without spaces', '東京都に住む', '東京', true],
    ['finds words of another language', 'Der Schlüssel läuft ab', 'schlüssel', true],
    ['of stop words finds nothing', 'The key is to be or not to be', 'to be or the', false],
    ['without words finds nothing', 'key ?', '?! …', false],
    ['that is empty finds nothing', 'key', '', false],
    ['with characters that no database takes finds the rest', 'key', '\0 key \uD800', true],
    ["reads Postgres' operators as words", 'key', "key & | ! <-> :* '", true],
  ])('%s', async (_rule, text, query, isFound) => {
    await fill([text, 'unrelated xaz']);
    expect((await search(query)).map((passage) => passage.text)).toEqual(isFound ? [text] : []);
  });

  test('looks at the first 32 different terms', async () => {
    await fill(['first', 'last']);
    const fillers = Array.from({ length: 40 }, (_, index) => `xb${index}`).join(' ');
    expect((await search(`first ${fillers} last`)).map(({ text }) => text)).toEqual(['first']);
  });

  test('finds nothing in an empty store', async () => {
    await fill([]);
    expect(await search('anything')).toEqual([]);
  });

  test.each([0, 101, 1.5, Number.NaN])('with the limit %s is refused', async (limit) => {
    await expect(search('key', limit)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  test('is the same for the server itself', async () => {
    await fill(['xaa', 'xab']);
    const found = await searchServerDocuments({ database: db.database }, { query: 'xab', limit: 5 });
    expect(found).toEqual(await search('xab', 5));
    expect(found).toHaveLength(1);
  });
});

test('a passage is found by its headings and by the title of its document', async () => {
  await fill([]);
  const content = '# Quokka\n\n## Diet\n\nLeaves.';
  await importDocuments({ database: db.database }, viewer, [{ name: 'q', format: 'MARKDOWN', content }]);
  expect(await search('quokka')).toMatchObject([{ text: 'Leaves.' }]);
  expect(await search('diet')).toMatchObject([{ text: 'Leaves.' }]);
});
