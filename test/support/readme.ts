/** The project's own pages for tests: their fenced blocks, links and headings. Not a Markdown parser: the pages keep to what it reads. */
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { listFiles, ROOT } from './source-files.ts';

export interface Page {
  /** Relative to the project. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a page. */
export interface Snippet {
  /** Page and line, to name a test by. */
  readonly place: string;
  readonly language: string;
  readonly text: string;
  /** The JSON block right behind it: the variables of a document, or the answer to a command. */
  readonly json: string | undefined;
}

/** The README and docs/, by path. */
export function listPages(): readonly Page[] {
  const [readme] = listFiles('.').filter(({ path }) => path === 'README.md');
  if (readme === undefined) throw new Error('There is no README.md');
  return [readme, ...listFiles('docs').filter(({ path }) => path.endsWith('.md'))];
}

const FENCE = /^```(.*)\n([\s\S]*?)^```$/gm;

/** The fenced blocks of a page in order; a JSON block behind another block is part of that. */
export function listSnippets(page: Page): readonly Snippet[] {
  const blocks = [...page.text.matchAll(FENCE)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    language: match[1] ?? '',
    text: match[2] ?? '',
  }));
  return blocks.flatMap((block, index) => {
    const { language, text, start, end } = block;
    const [before, after] = [blocks[index - 1], blocks[index + 1]];
    const isNext = (first: number, second: number): boolean => page.text.slice(first, second).trim() === '';
    if (language === 'json' && before && isNext(before.end, start)) return [];
    const json = after?.language === 'json' && isNext(end, after.start) ? after.text : undefined;
    return [{ place: `${page.path}:${page.text.slice(0, start).split('\n').length}`, language, text, json }];
  });
}

/** The blocks of a language on all pages. Throws when there is none: a test of nothing would pass. */
export function getSnippets(language: string): readonly Snippet[] {
  const found = listPages()
    .flatMap(listSnippets)
    .filter((snippet) => snippet.language === language);
  if (found.length === 0) throw new Error(`No page has a block of ${language}`);
  return found;
}

export interface ShellCommand {
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

/** The commands of a shell block, without comments; words are not unquoted. */
export function toCommands(snippet: Snippet): readonly ShellCommand[] {
  return snippet.text
    .replaceAll(/\\\n/g, ' ')
    .split(/\n|&&/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const words = line.split(/\s+/);
      const assignments = words.slice(
        0,
        words.findIndex((word) => !/^[A-Z_]+=/.test(word)),
      );
      const env = Object.fromEntries(assignments.map((word) => [...cutAt(word, '=')]));
      return { env, words: words.slice(assignments.length) };
    });
}

function cutAt(text: string, mark: string): readonly [string, string] {
  const index = text.indexOf(mark);
  return [text.slice(0, index), text.slice(index + mark.length)];
}

/** The page without its fenced blocks. */
export function toProse(page: Page): string {
  return page.text.replaceAll(FENCE, '');
}

/** What stands in single backticks in the prose of a page. */
export function listCodeSpans(page: Page): readonly string[] {
  return [...toProse(page).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** The links of a page that lead nowhere: to a file or a heading that is not there. */
export function listBrokenLinks(page: Page): readonly string[] {
  const links = [...toProse(page).matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
  return links
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#', 2);
      const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
      if (!existsSync(join(ROOT, path))) return true;
      return anchor !== undefined && !listAnchors(path).includes(anchor);
    });
}

/** Headings as GitHub makes anchors of them. */
function listAnchors(path: string): readonly string[] {
  const [page] = listFiles(dirname(path)).filter((file) => file.path === path);
  const headings = [...toProse(page ?? { path, text: '' }).matchAll(/^#+ (.+)$/gm)];
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What stands between `<!-- name:start -->` and `<!-- name:end -->`. */
export function getMarked(page: Page, name: string): string {
  const marked = new RegExp(`<!-- ${name}:start -->([\\s\\S]*?)<!-- ${name}:end -->`).exec(page.text)?.[1];
  if (marked === undefined) throw new Error(`${page.path} has no part that is marked ${name}`);
  return marked.trim();
}
