/** The style of the source: what every file has and what no file may have. Formatting and most lint rules are Biome's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listExports, listSources, ROOT, type SourceFile } from '../support/source-files.ts';

const sources = listSources('src');
const tests = listSources('test');
const all = [...sources, ...tests];

/** `path:line` of every match. */
function findMatches(files: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return files.flatMap((file) =>
    file.text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

const toPaths = (files: readonly SourceFile[]): readonly string[] => files.map((file) => file.path);

describe('every file', () => {
  it('is seen', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(tests.length).toBeGreaterThan(10);
    expect(sources.flatMap(listExports)).toContain('AppError');
  });

  it('has less than 300 lines', () => {
    expect(toPaths(all.filter((file) => file.text.trimEnd().split('\n').length >= 300))).toEqual([]);
  });

  it('opens with a sentence that says what lives in it', () => {
    const opening = /^(#!.*\n)?\/\*\*(?: |\n \* )[A-Z`'"].*[.?)]/;
    const concerned = all.filter(
      (file) => file.path.startsWith('src/') || file.path.startsWith('test/support/'),
    );
    expect(toPaths(concerned.filter((file) => !opening.test(file.text)))).toEqual([]);
  });

  it('has no notes about work that is left, and switches no check off', () => {
    expect(findMatches(all, /\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b/)).toEqual([]);
    expect(findMatches(all, /@ts-(ignore|nocheck|expect-error)|biome-[i]gnore|eslint-[d]isable/)).toEqual([]);
  });

  it('has no class but AppError', () => {
    expect(findMatches(sources, /^\s*(?:export\s+)?(?:abstract\s+)?class\s|[=(]\s*class\s/)).toEqual([
      expect.stringMatching(/^src\/errors\.ts:\d+: export class AppError /),
    ]);
  });

  it('has no default export but in configuration files', () => {
    const concerned = all.filter((file) => !file.path.endsWith('.config.ts'));
    expect(findMatches(concerned, /^export\s+default\b|\bas\s+default\b/)).toEqual([]);
  });

  it('is no barrel', () => {
    const reExport = /^export\s+(?:type\s+)?(?:\*|\{[^}]*\})(?:\s+as\s+\w+)?\s+from\s+'[^']+';$/gm;
    const comment = /\/\*[\s\S]*?\*\//g;
    const barrels = sources.filter(
      (file) => file.text.replace(comment, '').replace(reExport, '').trim() === '',
    );
    expect(toPaths(barrels)).toEqual([]);
    expect(findMatches(sources, /^export\s+(?:type\s+)?\*/)).toEqual([]);
  });

  it('is named for what it does: no empty words in file names and exported names', () => {
    const empty = /^(handle[rs]?|process(es|or)?|manage[rs]?|helpers?|utils?|common)$/i;
    const toWords = (name: string): readonly string[] => name.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/);
    const names = sources.flatMap((file) => [
      ...file.path.split('/').map((part) => ({ name: part, where: file.path })),
      ...listExports(file).map((name) => ({ name, where: file.path })),
    ]);
    const wrong = names.filter(({ name }) => toWords(name).some((word) => empty.test(word)));
    expect(wrong).toEqual([]);
  });
});

describe('test files', () => {
  it('leave no test out, but what only root can try', () => {
    const leftOut = /\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|only|todo|skipIf|runIf(?!\(isRoot\)))\b/;
    expect(findMatches(tests, leftOut)).toEqual([]);
  });

  it('replace no modules', () => {
    expect(findMatches(tests, /\bvi\.(?:mock|doMock|hoisted)\(/)).toEqual([]);
  });

  it('wait for conditions instead of sleeping', () => {
    const outside = tests.filter((file) => !file.path.startsWith('test/support/'));
    const sleep =
      /await\s+(?:delay|sleep|setTimeout)\(\s*[\d_]{3,}|setTimeout\((?:resolve|done|r),\s*[\d_]{3,}/;
    expect(findMatches(outside, sleep)).toEqual([]);
  });
});

describe('Biome', () => {
  it('refuses any, assertions of non-null, console and functions of more than 50 lines', () => {
    const { linter } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'));
    expect(linter.rules).toMatchObject({
      complexity: { noExcessiveLinesPerFunction: { level: 'error', options: { maxLines: 50 } } },
      style: { noNonNullAssertion: 'error' },
      suspicious: { noExplicitAny: 'error', noConsole: 'error' },
    });
  });
});
