/** The layers of src: what may import what. */
import { describe, expect, it } from 'vitest';
import { listImports, listLocalImports, listPackageImports, listSources } from '../support/source-files.ts';

/** Lowest first. A file imports its own folder and lower layers. */
const LAYERS: readonly (readonly string[])[] = [
  ['lib', 'types'],
  ['errors.ts'],
  ['faults.ts'],
  ['config', 'log.ts', 'metrics.ts'],
  ['db', 'backend'],
  ['event-log', 'jobs', 'auth'],
  [
    'conversations',
    'documents',
    'feedback',
    'models',
    'prompts',
    'quota',
    'responder',
    'shields',
    'tools',
    'transcripts',
    'uploads',
    'usage',
  ],
  ['turns'],
  ['graphql'],
  ['server'],
  ['app'],
  ['app.ts'],
  ['cli'],
  ['main.ts'],
];

const files = listSources('src');

/** The folder or file directly below src. */
const toPlace = (path: string): string => path.split('/')[1] ?? '';
const toLayer = (path: string): number => LAYERS.findIndex((places) => places.includes(toPlace(path)));

describe('layers', () => {
  it('sees the files of src and their imports', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.map((file) => file.path)).toContain('src/main.ts');
    expect(files.flatMap(listLocalImports).length).toBeGreaterThan(files.length);
    expect(files.flatMap(listPackageImports)).toContain('zod');
    const main = files.find((file) => file.path === 'src/main.ts');
    expect(main && listLocalImports(main)).toContain('src/cli/program.ts');
  });

  it('has a place for every file', () => {
    expect(files.filter((file) => toLayer(file.path) === -1).map((file) => file.path)).toEqual([]);
  });

  it('imports its own folder and lower layers only', () => {
    const wrong = files.flatMap((file) =>
      listLocalImports(file)
        .filter((target) => target.startsWith('src/'))
        .filter((target) => toPlace(target) !== toPlace(file.path) && toLayer(target) >= toLayer(file.path))
        .map((target) => `${file.path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('imports files that exist, by their full names, and none outside of src', () => {
    const known = new Set(files.map((file) => file.path));
    const wrong = files.flatMap((file) =>
      listLocalImports(file)
        .filter((target) => !known.has(target))
        .map((target) => `${file.path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no cycles', () => {
    const edges = new Map(files.map((file) => [file.path, listLocalImports(file)]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      if (trail.includes(path) || done.has(path)) return;
      for (const target of edges.get(path) ?? []) visit(target, [...trail, path]);
      done.add(path);
    };
    for (const file of files) visit(file.path, []);
    expect(cycles).toEqual([]);
  });
});

/** Packages, and tables, that only some places may import. */
const RESERVED: readonly {
  readonly what: string;
  readonly specifier: RegExp;
  readonly allowed: RegExp;
}[] = [
  { what: 'the backend client', specifier: /^openai(\/|$)/, allowed: /^src\/backend\// },
  {
    what: 'GraphQL packages',
    specifier: /^(graphql|graphql-yoga|graphql-ws|@pothos\/.*|@graphql-yoga\/.*|@escape\.tech\/.*)(\/|$)/,
    allowed: /^src\/(graphql|server)\//,
  },
  {
    what: 'tables',
    specifier: /\/tables\//,
    allowed: /^src\/(db\/|jobs\/|[^/]+\/([a-z-]+-)?store\.ts$|event-log\/postgres[a-z-]*\.ts$)/,
  },
  { what: 'the Postgres driver', specifier: /^postgres$/, allowed: /^src\/(db|event-log|jobs)\// },
  {
    what: 'the command line',
    specifier: /^(commander|close-with-grace|cli-progress)$/,
    allowed: /^src\/cli\//,
  },
];

describe('reserved imports', () => {
  it.each(RESERVED)('$what are imported only where they belong', ({ specifier, allowed }) => {
    const importers = files.filter((file) => listImports(file).some((name) => specifier.test(name)));
    expect(importers.filter((file) => allowed.test(file.path)).length).toBeGreaterThan(0);
    expect(importers.filter((file) => !allowed.test(file.path)).map((file) => file.path)).toEqual([]);
  });

  it('reads process.env only in config', () => {
    const readers = files.filter((file) => /\bprocess\s*\.\s*env\b/.test(file.text)).map((file) => file.path);
    expect(readers).toEqual(['src/config/environment.ts']);
  });
});
