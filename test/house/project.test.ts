/** The project's manifest, its lockfile, and what no file of the project may contain. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listFiles, ROOT } from '../support/source-files.ts';

const readJson = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
const manifest = readJson('package.json');

describe('package.json', () => {
  it('pins every dependency to one version', () => {
    const versions = [
      ...Object.entries<string>(manifest.dependencies),
      ...Object.entries<string>(manifest.devDependencies),
      ...Object.entries<string>(manifest.optionalDependencies),
    ];
    expect(versions.length).toBeGreaterThan(20);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('has these scripts and no others', () => {
    expect(Object.keys(manifest.scripts)).toEqual([
      'start',
      'dev',
      'build',
      'check',
      'test',
      'test:unit',
      'test:integration',
      'test:e2e',
      'bench',
      'bench:chaos',
      'schema',
      'db:generate',
      'db:migrate',
    ]);
  });

  it('decides about every install script of the packages it depends on', () => {
    const lock = readJson('package-lock.json');
    const packages = Object.entries<{ readonly hasInstallScript?: boolean }>(lock.packages);
    const withScripts = packages
      .filter(([, entry]) => entry.hasInstallScript)
      .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
    expect(withScripts).toContain('node');
    expect(withScripts.filter((name) => !(name in manifest.allowScripts))).toEqual([]);
  });
});

describe('package-lock.json', () => {
  const lock = readJson('package-lock.json');

  it('is of the manifest', () => {
    const { dependencies, devDependencies, optionalDependencies, version } = manifest;
    expect(lock.packages['']).toMatchObject({ dependencies, devDependencies, optionalDependencies, version });
  });

  it('has the hash of every package, so that nobody can put another in its place', () => {
    const entries = Object.entries<{ readonly integrity?: string }>(lock.packages).filter(
      ([path]) => path !== '',
    );
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([]);
  });

  it('names no host', () => {
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
  });

  it('has every platform of every optional dependency, so that npm ci works everywhere', () => {
    const entries = Object.entries<{ readonly optionalDependencies?: Record<string, string> }>(lock.packages);
    const missing = entries.flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {})
        .filter(
          (name) =>
            !(`node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages),
        )
        .map((name) => `${path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('has one copy of graphql', () => {
    expect(Object.keys(lock.packages).filter((path) => /(^|\/)node_modules\/graphql$/.test(path))).toEqual([
      'node_modules/graphql',
    ]);
  });

  it('is what the bill of materials lists', () => {
    const text = execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const { bomFormat, components } = JSON.parse(text);
    const listed = components.map(
      ({ name, version }: Record<'name' | 'version', string>) => `${name}@${version}`,
    );
    const locked = Object.entries<{ readonly version?: string }>(lock.packages)
      .filter(([path]) => path !== '')
      .map(([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`);
    expect(bomFormat).toBe('CycloneDX');
    expect(new Set(listed)).toEqual(new Set(locked));
  });
});

describe('the project', () => {
  const files = listFiles('.').filter((file) => file.path !== 'package-lock.json');

  it('is seen', () => {
    expect(files.map((file) => file.path)).toEqual(
      expect.arrayContaining(['LICENSE', 'CHANGELOG.md', 'package.json', '.ci/run', 'src/main.ts']),
    );
  });

  it('names no place of the machine that it was written on, and no package registry', () => {
    const foreign =
      /(?<![\w.])\/(?:work|home|root)\/[a-z]|registry\.[\w-]+\.(?:com|org|net|io|dev|local|internal)\b|verdac[c]io|artifac[t]ory/;
    expect(files.filter((file) => foreign.test(file.text)).map((file) => file.path)).toEqual([]);
  });

  it('explains itself without papers that are not in it', () => {
    const papers = /\b(?:SEMAN[T]ICS|DES[I]GN|ATTA[C]KS)(?:\.md|\s*§)|\b(?:SEMAN[T]ICS|ATTA[C]KS)\b/;
    expect(files.filter((file) => papers.test(file.text)).map((file) => file.path)).toEqual([]);
  });
});
