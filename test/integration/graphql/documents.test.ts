/** The document store through the API, on Postgres. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../../src/lib/ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createContext, errorsOf, run } from '../../support/graphql.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
});

const context = () =>
  createContext({ services: { database: db.database, maxContentBytes: 1_048_576, now: Date.now } });

const importDocuments = `mutation ($input: ImportDocumentsInput!) {
  importDocuments(input: $input) { documents { outcome document { id name title url format byteSize } } }
}`;
const documents = `query ($first: Int, $after: Cursor) {
  documents(first: $first, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } }
}`;
const search = `query ($query: String!, $limit: Int) {
  searchDocuments(query: $query, limit: $limit) { documentName heading text score }
}`;
const deleteDocument = `mutation ($input: DeleteDocumentInput!) {
  deleteDocument(input: $input) { document { name } }
}`;

const sky = {
  name: 'sky.md',
  format: 'MARKDOWN',
  content: { text: '# The sky\n\nShort waves scatter most.' },
};
const sea = {
  name: 'sea.md',
  format: 'TEXT',
  content: { text: 'Water absorbs red light.' },
  url: 'https://example.org/sea',
};

interface Imported {
  readonly importDocuments: { readonly documents: readonly { readonly document: { readonly id: string } }[] };
}

describe('documents', () => {
  it('are imported, listed, found and deleted', async () => {
    const input = { documents: [sky, sea] };
    const imported = await run(importDocuments, context(), { input });
    expect(imported).toMatchObject({
      data: {
        importDocuments: {
          documents: [
            { outcome: 'CREATED', document: { name: 'sky.md', title: 'The sky', url: null, byteSize: 36 } },
            {
              outcome: 'CREATED',
              document: { name: 'sea.md', url: 'https://example.org/sea', format: 'TEXT' },
            },
          ],
        },
      },
    });
    expect(await run(importDocuments, context(), { input })).toMatchObject({
      data: { importDocuments: { documents: [{ outcome: 'UNCHANGED' }, { outcome: 'UNCHANGED' }] } },
    });

    const first = await run(documents, context(), { first: 1 });
    expect(first).toMatchObject({
      data: { documents: { nodes: [{ name: 'sea.md' }], pageInfo: { hasNextPage: true } } },
    });
    const { pageInfo } = (first.data as { documents: { pageInfo: { endCursor: string } } }).documents;
    expect(await run(documents, context(), { first: 1, after: pageInfo.endCursor })).toMatchObject({
      data: { documents: { nodes: [{ name: 'sky.md' }], pageInfo: { hasNextPage: false } } },
    });

    expect(await run(search, context(), { query: 'Which waves scatter?' })).toMatchObject({
      data: { searchDocuments: [{ documentName: 'sky.md', text: 'Short waves scatter most.' }] },
    });

    const [created] = (imported.data as unknown as Imported).importDocuments.documents;
    const deletion = { input: { documentId: created?.document.id } };
    expect(await run(deleteDocument, context(), deletion)).toEqual({
      data: { deleteDocument: { document: { name: 'sky.md' } } },
    });
    expect(errorsOf(await run(deleteDocument, context(), deletion))).toMatchObject([{ code: 'NOT_FOUND' }]);
  });

  it.each([0, 101])('are not searched for %d passages', async (limit) => {
    expect(errorsOf(await run(search, context(), { query: 'sky', limit }))).toMatchObject([
      { code: 'BAD_USER_INPUT' },
    ]);
  });

  it.each(['ftp://example.org/', '/sea', ''])('do not link to %j', async (url) => {
    const result = await run(importDocuments, createContext(), { input: { documents: [{ ...sea, url }] } });
    expect(errorsOf(result)).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  });

  it('refuse a cursor of another list', async () => {
    const after = Buffer.from(JSON.stringify([0, newId()])).toString('base64url');
    expect(errorsOf(await run(documents, createContext(), { after }))).toMatchObject([
      { code: 'CURSOR_INVALID' },
    ]);
  });
});
