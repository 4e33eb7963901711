/** Composes the extractive answer: whole passages, quoted, with citations. Pure; it writes no sentence about the subject itself. */
import type { FoundPassage } from '../types/document.ts';

/** A numbered mark in the text that stands for a passage. */
export interface Citation {
  readonly passage: FoundPassage;
  /** UTF-16 offsets of the mark in the text; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
}

export interface ComposedAnswer {
  readonly text: string;
  readonly citations: readonly Citation[];
}

const NOTICE =
  'No language model is configured, so this answer can only quote imported documents. ' +
  'To have answers written, set `OPENAI_API_KEY`, or `OPENAI_BASE_URL` together with `OPENAI_MODEL`, and restart Millrace.';
const NO_SEARCH =
  'This question was asked without document search, and there is nothing else to answer from.';
const NO_MATCH =
  'No imported document matches this question. Ask in other words, or import documents that cover it: `npm start -- documents import PATH`.';

/** Undefined: no search was allowed. */
export function composeAnswer(quoted: readonly FoundPassage[] | undefined): ComposedAnswer {
  if (quoted === undefined) return { text: `${NOTICE}\n\n${NO_SEARCH}`, citations: [] };
  if (quoted.length === 0) return { text: `${NOTICE}\n\n${NO_MATCH}`, citations: [] };

  let text = `${NOTICE}\n\n${quoted.length === 1 ? 'This passage matches' : 'These passages match'} the question best:`;
  const citations: Citation[] = [];
  for (const [index, passage] of quoted.entries()) {
    const mark = `[${index + 1}]`;
    text += '\n\n';
    citations.push({ passage, start: text.length, end: text.length + mark.length });
    text += `${mark} ${toSourceLine(passage)}\n\n${toQuote(passage.text)}`;
  }
  return { text, citations };
}

function toSourceLine({ title, heading, url, documentName }: FoundPassage): string {
  const source = url === null ? `\`${documentName.replaceAll('`', "'")}\`` : `<${new URL(url).href}>`;
  const place = heading === null ? '' : ` › ${toPlain(heading)}`;
  return `**${toPlain(title)}**${place} (${source})`;
}

/** Keeps a title from being read as markup. */
function toPlain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>]/g, '\\$&');
}

function toQuote(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.trim() === '' ? '>' : `> ${line}`))
    .join('\n');
}
