/** Reads the project's own files for the house tests: which there are, what they import and what they export. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const NOT_OURS = new Set(['node_modules', '.git', '.millrace', 'dist', 'coverage', 'migrations']);

/** All files below a folder of the project, in order of their paths. */
export function listFiles(folder: string): readonly SourceFile[] {
  return walk(join(ROOT, folder)).map((path) => ({
    path: relative(ROOT, path).replaceAll('\\', '/'),
    text: readFileSync(path, 'utf8'),
  }));
}

/** The TypeScript files below a folder. */
export function listSources(folder: string): readonly SourceFile[] {
  return listFiles(folder).filter((file) => file.path.endsWith('.ts'));
}

function walk(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !NOT_OURS.has(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return walk(path);
      return entry.isFile() ? [path] : [];
    });
}

const STATIC = /^(?:import|export)\s(?:[^'";]*?\sfrom\s)?\s*['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

/** What a file imports, statically, dynamically or for its types, as it is written. */
export function listImports(file: SourceFile): readonly string[] {
  return [STATIC, DYNAMIC].flatMap((form) =>
    [...file.text.matchAll(form)].flatMap(([, specifier]) => specifier ?? []),
  );
}

/** The files of the project that a file imports. */
export function listLocalImports(file: SourceFile): readonly string[] {
  return listImports(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => normalize(join(dirname(file.path), specifier)).replaceAll('\\', '/'));
}

/** The packages that a file imports: `openai`, `@pothos/core`. */
export function listPackageImports(file: SourceFile): readonly string[] {
  return listImports(file)
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
}

const DECLARATION =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|const|let|class|interface|type)\s+(\w+)/gm;

/** The names that a file declares and exports. */
export function listExports(file: SourceFile): readonly string[] {
  return [...file.text.matchAll(DECLARATION)].flatMap(([, name]) => name ?? []);
}
