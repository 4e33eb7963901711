import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runDocumentsImport } from '../../../src/cli/documents-import.ts';
import { collectSources } from '../../../src/cli/source-files.ts';
import { listDocuments } from '../../../src/documents/documents.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-import-'));
  return () => rm(folder, { recursive: true });
});

async function write(path: string, content: string): Promise<string> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), content);
  return join(folder, path);
}
const shortPath = (path: string) => path.slice(folder.length + 1);
const collect = async (...paths: readonly string[]) => {
  const { files, refused } = await collectSources(paths.length === 0 ? [folder] : paths);
  return { files: files.map(({ path }) => shortPath(path)), refused };
};

describe('collecting', () => {
  test('walks folders and takes Markdown, text and HTML, sorted by name', async () => {
    for (const path of ['b.md', 'a/z.HTM', 'a/y.html', 'a/x.markdown', 'c.txt', 'c.png', 'README'])
      await write(path, 'x');
    for (const path of ['.git/a.md', 'node_modules/p/b.md', 'a/.hidden.md']) await write(path, 'x');
    expect(await collect()).toEqual({
      files: ['a/x.markdown', 'a/y.html', 'a/z.HTM', 'b.md', 'c.txt'],
      refused: [],
    });
  });

  test('names documents by their path, and knows their format', async () => {
    const [path, page] = [await write('a/x.md', 'x'), await write('y.htm', 'y')];
    expect((await collectSources([path, page])).files).toEqual([
      { path, name: path.slice(1), format: 'MARKDOWN' },
      { path: page, name: page.slice(1), format: 'HTML' },
    ]);
    expect(
      (await collectSources(['package.json', 'test/../node_modules/vitest/README.md'])).files,
    ).toMatchObject([{ name: 'node_modules/vitest/README.md' }]);
  });

  test('ends at loops of links, follows other links, and takes no file twice', async () => {
    const path = await write('a/x.md', 'x');
    await symlink(folder, join(folder, 'a', 'loop'));
    await symlink(path, join(folder, 'link.md'));
    expect((await collect(folder, path)).files).toEqual(['a/x.md']);
  });

  test('says why a path is refused', async () => {
    const [image, huge] = [await write('a.png', 'x'), await write('huge.md', '')];
    await truncate(huge, 10 * 1_048_576 + 1);
    await symlink(join(folder, 'self.md'), join(folder, 'self.md'));
    await symlink(join(folder, 'nowhere'), join(folder, 'broken.md'));
    const { files, refused } = await collect(image, join(folder, 'missing'), folder);
    expect(files).toEqual([]);
    expect(refused.map(({ path, reason }) => `${shortPath(path)} ${reason}`)).toEqual([
      'a.png is not a file of a known kind (.md, .markdown, .txt, .html, .htm)',
      'missing does not exist',
      'broken.md does not exist',
      'huge.md is too large: 10485761 bytes, at most 10485760 are allowed',
      'self.md is a symbolic link that leads to itself',
    ]);
  });
});

describe('importing', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db[Symbol.asyncDispose]());

  async function run(...paths: readonly string[]) {
    const [out, err]: [string[], string[]] = [[], []];
    const summary = await runDocumentsImport(db, paths, {
      out: (text) => out.push(text),
      err: (text) => err.push(text),
    });
    return { summary, out: out.join(''), err: err.join('') };
  }

  test('sums up what was created, replaced, left as it was, and what failed', async () => {
    const [first] = [await write('a.md', 'one'), await write('b.md', 'two')];
    const binary = await write('c.txt', 'a\0b');
    expect(await run(folder)).toEqual({
      summary: { created: 2, replaced: 0, unchanged: 0, failed: 1, exitCode: 1 },
      out: '2 created, 0 replaced, 0 unchanged, 1 failed\n',
      err: `${binary}: is a binary file (it contains NUL bytes)\n`,
    });
    await write('a.md', 'one more');
    await rm(binary);
    expect(await run(folder)).toEqual({
      summary: { created: 0, replaced: 1, unchanged: 1, failed: 0, exitCode: 0 },
      out: '0 created, 1 replaced, 1 unchanged, 0 failed\n',
      err: '',
    });
    const viewer = { id: 'ada', name: 'Ada', roles: [] };
    const documents = await listDocuments(db, viewer, { limit: 10 });
    expect(documents.map(({ name }) => `/${name}`)).toContain(first);
  });

  test('takes files of more than a mebibyte', async () => {
    expect((await run(await write('large.txt', 'gannet '.repeat(200_000)))).summary).toMatchObject({
      created: 1,
      failed: 0,
    });
  });

  test('keeps strange names of files as they are', async () => {
    const names = [
      '\u202eevil\u202c.md',
      `z${'\u0301'.repeat(100)}.md`,
      '👩‍👩‍👧‍👦.md',
      `'; DROP TABLE document; --.md`,
      '\r\n\u0085.md',
    ];
    for (const name of names) await write(name, `About ${names.indexOf(name)}`);
    await writeFile(Buffer.from(`${folder}/a\xff\xfe.md`, 'latin1'), 'not UTF-8');
    expect((await run(folder)).summary).toMatchObject({ created: names.length, failed: 1 });
    const documents = await listDocuments(db, { id: 'ada', name: 'Ada', roles: [] }, { limit: 100 });
    const paths = documents.map(({ name }) => `/${name}`);
    for (const name of names) expect(paths).toContain(join(folder, name));
  });

  test('goes on after a file that cannot be imported', async () => {
    await write('a.md', ' ');
    await write('b.md', 'text');
    const { summary, err } = await run(folder);
    expect(summary).toMatchObject({ created: 1, failed: 1, exitCode: 1 });
    expect(err).toMatch(/a\.md: .* is empty\n$/);
  });

  test('writes out the control characters of a name', async () => {
    await write('a\u001b[2J\u009b.md', ' ');
    const { err } = await run(folder);
    expect(err).toContain(String.raw`a\u001b[2J\u009b.md: `);
  });

  test('of nothing fails', async () => {
    expect(await run(folder)).toMatchObject({ summary: { created: 0, failed: 0, exitCode: 1 } });
  });
});
