/** Markdown to blocks, line by line: headings, fenced code and paragraphs. Inline markup stays as it is, since passages are quoted as Markdown. */
import { type Block, findHeadingTitle, type ParsedSource } from './blocks.ts';

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
/** Longer headings are cut. */
const MAX_HEADING_LENGTH = 1_000;
const FRONT_MATTER = /^---[ \t]*\n(?:([\s\S]*?)\n)?---[ \t]*(?:\n|$)/;
const FRONT_TITLE = /^title:[ \t]*(.+)$/m;

export function parseMarkdown(content: string): ParsedSource {
  const text = content.replaceAll(/\r\n?/g, '\n');
  const front = FRONT_MATTER.exec(text);
  const blocks = toBlocks(text.slice(front?.[0].length ?? 0).split('\n'));
  const frontTitle = FRONT_TITLE.exec(front?.[1] ?? '')?.[1]
    ?.trim()
    .replaceAll(/^(["'])(.*)\1$/g, '$2');
  return { title: frontTitle || findHeadingTitle(blocks), blocks };
}

function toBlocks(lines: readonly string[]): readonly Block[] {
  const blocks: Block[] = [];
  let open: string[] = [];
  const close = (kind: 'paragraph' | 'code'): void => {
    const lines = open.join('\n');
    const text = (kind === 'code' ? lines : withoutComments(lines)).trimEnd();
    if (text.trim() !== '') blocks.push({ kind, text });
    open = [];
  };
  let fence: string | undefined;

  for (const line of lines) {
    if (fence !== undefined) {
      open.push(line);
      if (closes(line, fence)) {
        close('code');
        fence = undefined;
      }
      continue;
    }
    fence = FENCE.exec(line)?.[1];
    const heading = toHeading(line, open);
    if (fence !== undefined || heading !== undefined || line.trim() === '') close('paragraph');
    if (heading !== undefined) blocks.push(heading.block);
    else if (line.trim() !== '') open.push(line);
  }
  close(fence === undefined ? 'paragraph' : 'code');
  return blocks;
}

/** HTML comments are not shown by any reader of Markdown; one that is never closed is text. */
function withoutComments(text: string): string {
  const [first = '', ...rest] = text.split('<!--');
  return rest.reduce((shown, part) => {
    const end = part.indexOf('-->');
    return shown + (end === -1 ? `<!--${part}` : part.slice(end + 3));
  }, first);
}

/** A closing fence is at least as long as the opening one, of the same character, and alone on its line. */
function closes(line: string, fence: string): boolean {
  const mark = FENCE.exec(line)?.[1];
  return mark?.startsWith(fence) === true && line.trim() === mark;
}

/** The heading that a line is or completes; an underline takes the paragraph above it out of `open`. */
function toHeading(line: string, open: string[]): { readonly block: Block } | undefined {
  const [, marks, rest = ''] = HEADING.exec(line) ?? [];
  if (marks !== undefined)
    return { block: toHeadingBlock(marks.length, rest.replace(/(^|[ \t])#+[ \t]*$/, '')) };
  const underline = UNDERLINE.exec(line)?.[1];
  if (underline === undefined || open.length !== 1) return undefined;
  const [title = ''] = open.splice(0);
  return { block: toHeadingBlock(underline.startsWith('=') ? 1 : 2, title) };
}

/** Emphasis, code marks and links are taken off: a heading is shown as plain text. */
function toHeadingBlock(level: number, markdown: string): Block {
  const text = markdown
    .slice(0, MAX_HEADING_LENGTH)
    .toWellFormed()
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[`*]+/g, '');
  return { kind: 'heading', level, text: text.trim() };
}
