/** A source of any format to its title and passages. Pure: limits and storage live in documents.ts and store.ts. */
import type { DocumentSource } from '../types/document.ts';
import type { ParsedSource } from './blocks.ts';
import { parseHtml } from './parse-html.ts';
import { parseMarkdown } from './parse-markdown.ts';
import { type Passage, toPassages } from './passages.ts';

export interface ParsedDocument {
  readonly title: string;
  readonly passages: readonly Passage[];
}

/** Raise it when sources are read or cut in another way: documents that are imported again are then stored anew. */
export const PARSER_VERSION = 1;

/** Titles longer than this many characters are cut. */
export const MAX_TITLE_LENGTH = 512;

/** The title is the given one, else what the text calls itself, else the name. */
export function parseDocument(source: DocumentSource): ParsedDocument {
  const parsed = parseContent(source);
  const title = source.title?.trim() || parsed.title?.trim() || source.name;
  return {
    title: title.slice(0, MAX_TITLE_LENGTH).toWellFormed(),
    passages: toPassages(parsed.blocks, title),
  };
}

function parseContent(source: DocumentSource): ParsedSource {
  switch (source.format) {
    case 'MARKDOWN':
      return parseMarkdown(source.content);
    case 'HTML':
      return parseHtml(source.content);
    case 'TEXT':
      return parseText(source.content);
    default:
      return source.format satisfies never;
  }
}

/** Plain text has no headings that can be told apart from its paragraphs. */
function parseText(content: string): ParsedSource {
  const paragraphs = content.replaceAll(/\r\n?/g, '\n').split(/\n[ \t]*\n/);
  const blocks = paragraphs
    .map((paragraph) => ({ kind: 'paragraph' as const, text: paragraph.replace(/^\n+/, '').trimEnd() }))
    .filter((block) => block.text !== '');
  return { title: undefined, blocks };
}
