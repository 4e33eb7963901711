import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { listLeaves } from '../../../src/config/outline.ts';
import { renderConfigTable, renderErrorTable } from '../../../src/config/reference.ts';
import { CONFIG_FILE, SETTINGS } from '../../../src/config/settings.ts';
import { APP_ROLE, WORKER_ROLE } from '../../../src/db/roles.ts';
import { startTestApp } from '../../support/app.ts';
import { createOpenDirectory } from '../../support/postgres.ts';
import {
  getMarked,
  getSnippets,
  listBrokenLinks,
  listCodeSpans,
  listPages,
  listSnippets,
} from '../../support/readme.ts';
import { listFiles, listSources, ROOT } from '../../support/source-files.ts';

const pages = listPages();
const [readme] = pages;
const [map] = listFiles('src').filter(({ path }) => path === 'src/README.md');
if (!readme || !map) throw new Error('The README or the map of src is missing');
const spans = pages.flatMap(listCodeSpans);
const schema = readFileSync(join(ROOT, 'schema.graphql'), 'utf8');

describe('the pages', () => {
  it('are seen', () => {
    expect(pages.map(({ path }) => path)).toEqual([
      'README.md',
      'docs/access.md',
      'docs/asking.md',
      'docs/backends.md',
      'docs/documents.md',
      'docs/errors.md',
      'docs/moving-from-lightspeed-stack.md',
      'docs/operating.md',
      'docs/quotas.md',
    ]);
    expect(spans.length).toBeGreaterThan(100);
  });

  it('have no block that no test runs', () => {
    // SQL is run by test/integration/db/roles.test.ts.
    const tested = ['sh', 'graphql', 'ts', 'yaml', 'text', 'sql'];
    const untested = pages.flatMap(listSnippets).filter(({ language }) => !tested.includes(language));
    expect(untested.map(({ place }) => place)).toEqual([]);
    expect(getSnippets('text').map(({ place }) => place)).toEqual([expect.stringMatching(/^README\.md:/)]);
  });

  it('have no link that leads nowhere', () => {
    expect(
      [...pages, map].flatMap((page) => listBrokenLinks(page).map((link) => `${page.path}: ${link}`)),
    ).toEqual([]);
  });
});

describe('the README', () => {
  it('has the tables that the code makes', () => {
    expect(getMarked(readme, 'config')).toBe(renderConfigTable());
    expect(getMarked(readme, 'errors')).toBe(renderErrorTable());
  });

  it('shows the document that selects every field', () => {
    const document = readFileSync(join(ROOT, 'test/support/every-field.graphql'), 'utf8');
    expect(listSnippets(readme).map(({ text }) => text)).toContain(document);
  });
});

describe('what the pages name', () => {
  it('are settings, error codes and enum values that exist', () => {
    const variables = SETTINGS.flatMap(({ env, secret }) => (secret ? [env, `${env}_FILE`] : [env]));
    const known = new Set([
      ...variables,
      CONFIG_FILE.env,
      '_FILE',
      ...(schema.match(/\b[A-Z][A-Z_]+\b/g) ?? []),
    ]);
    const named = spans.flatMap((span) => span.match(/(?<![\w/-])[A-Z_]{3,}(?![\w/-])/g) ?? []);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it('are types, fields and keys that exist', () => {
    const keys = listLeaves().flatMap(({ path }) => path.split(/\W+/));
    const known = new Set([
      ...(schema.match(/\w+/g) ?? []),
      ...keys,
      'HttpLink',
      'fetchExchange',
      'shouldRetry',
    ]);
    const named = spans.flatMap((span) => span.match(/^[a-zA-Z]+[a-z][A-Z]\w*\b/g) ?? []);
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it("are metrics that exist, and all of Millrace's own", async () => {
    await using app = await startTestApp();
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    const known = [...metrics.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name);
    const isRole = (span: string): boolean => span === APP_ROLE || span === WORKER_ROLE;
    const named = spans.filter((span) => /^(millrace|ls)_\w+$/.test(span) && !isRole(span));
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => name.startsWith('millrace_') && !named.includes(name))).toEqual([]);
  });

  it('are commands that exist', async () => {
    const named = [...pages, map].flatMap(({ text }) =>
      [...text.matchAll(/(?:`millrace|npm start --) ((?:[a-z]+ ?)+)/g)].map(([, words = '']) => words.trim()),
    );
    expect(new Set(named)).toContain('documents import');
    for (const words of new Set(named)) {
      let out = '';
      const write = (text: string): void => {
        out += text;
      };
      await runProgram([...words.split(' '), '--help'], { env: {}, cwd: '/', out: write, err: write });
      expect(out).toContain(`Usage: millrace ${words} `);
    }
  });
});

describe('the promises of the README', () => {
  const rows = [...readme.text.matchAll(/^\| (P\d+) \| .* \| (.*) \|$/gm)];

  it('are ten', () => {
    expect(rows.map(([, promise]) => promise)).toEqual(Array.from({ length: 10 }, (_, i) => `P${i + 1}`));
  });

  it.each(rows.map(([, promise = '', tests = '']) => ({ promise, tests })))(
    '$promise is held by the tests that it names, and each of them names it',
    ({ promise, tests }) => {
      const paths = [...tests.matchAll(/\]\((test\/[\w./-]+)\)/g)].map(([, path = '']) => path);
      expect(paths.length).toBeGreaterThan(0);
      for (const path of paths) expect(readFileSync(join(ROOT, path), 'utf8')).toContain(`${promise}: `);
    },
  );
});

describe('the YAML of a page', () => {
  it.each(getSnippets('yaml'))('of $place is a valid configuration', async ({ text }) => {
    await using folder = await createOpenDirectory();
    await writeFile(join(folder.path, 'millrace.yaml'), text);
    const config = loadConfig({ env: {}, flags: { config: 'millrace.yaml' }, cwd: folder.path });
    expect(config).not.toEqual(loadConfig({ env: {}, flags: {}, cwd: folder.path }));
  });
});

describe('the map of src', () => {
  const sources = listSources('src').map(({ path }) => path.slice('src/'.length));
  const places = [...new Set(sources.map((path) => path.replace(/\/.*/, '/')))];

  it('has a line for every folder and file directly below src', () => {
    expect(places.length).toBeGreaterThan(10);
    const lines = new Set(map.text.split('\n').map((line) => line.trim().split(/\s/)[0]));
    expect(places.filter((place) => !lines.has(place))).toEqual([]);
  });

  it('names files that exist', () => {
    const named = listCodeSpans(map).filter((span) => /^[\w/-]+\.ts$/.test(span));
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((name) => !sources.includes(name))).toEqual([]);
  });
});
