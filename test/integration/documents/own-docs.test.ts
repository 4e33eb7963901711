import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deleteDocument, listDocuments } from '../../../src/documents/documents.ts';
import { importOwnDocs } from '../../../src/documents/own-docs.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const viewer = { id: 'ada', name: 'Ada', roles: [] };
let db: TestDatabase;
let packageDir: string;
beforeEach(async () => {
  db = await createTestDatabase();
  packageDir = await mkdtemp(join(tmpdir(), 'millrace-own-docs-'));
  await mkdir(join(packageDir, 'docs', 'guides'), { recursive: true });
  await write('README.md', '# Millrace\n\nA server.');
  await write('CHANGELOG.md', '# Changes\n\nNone.');
  await write('docs/guides/start.md', '# Start\n\nRun it.');
  await write('docs/picture.txt', 'no Markdown');
});
afterEach(async () => {
  await db[Symbol.asyncDispose]();
  await rm(packageDir, { recursive: true });
});

const write = (path: string, content: string) => writeFile(join(packageDir, path), content);
const seed = () => importOwnDocs({ database: db.database, packageDir });
const list = () => listDocuments({ database: db.database }, viewer, { limit: 100 });
const names = async () => (await list()).map(({ name }) => name).sort();

test('the first start imports README.md and the pages of docs/', async () => {
  expect(await seed()).toBe(2);
  expect(await names()).toEqual(['millrace/README.md', 'millrace/docs/guides/start.md']);
});

test('a page that was deleted does not come back at the next start', async () => {
  await seed();
  const [first] = await list();
  await deleteDocument({ database: db.database }, viewer, first?.id ?? '');
  expect(await seed()).toBe(0);
  expect(await names()).toHaveLength(1);
});

test('a changed page is imported again, a page that is gone is deleted', async () => {
  await seed();
  await write('README.md', '# Millrace\n\nA better server.');
  await rm(join(packageDir, 'docs'), { recursive: true });
  expect(await seed()).toBe(1);
  expect(await names()).toEqual(['millrace/README.md']);
});

test('nodes that start together import once', async () => {
  const counts = await Promise.all([seed(), seed(), seed()]);
  expect(counts.sort()).toEqual([0, 0, 2]);
  expect(await names()).toHaveLength(2);
});

test('a package without pages is no fault', async () => {
  await rm(join(packageDir, 'README.md'));
  await rm(join(packageDir, 'docs'), { recursive: true });
  expect(await seed()).toBe(0);
});
