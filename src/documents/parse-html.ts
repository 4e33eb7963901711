/** HTML to blocks by htmlparser2: what a reader of the page would see, without scripts, styles and navigation. */
import { Parser } from 'htmlparser2';
import { type Block, findHeadingTitle, type ParsedSource } from './blocks.ts';

const HIDDEN = new Set([
  'script',
  'style',
  'template',
  'noscript',
  'svg',
  'math',
  'iframe',
  'object',
  'nav',
  'select',
]);
const INLINE = new Set(
  'a abbr b bdi bdo cite code data del dfn em font i ins kbd label mark q s samp small span strong sub sup time tt u var wbr'.split(
    ' ',
  ),
);
const VOID_HEAD = new Set(['link', 'meta', 'base']);

interface Reader {
  readonly blocks: Block[];
  title: string;
  text: string;
  hiddenDepth: number;
  preDepth: number;
  inTitle: boolean;
}

export function parseHtml(content: string): ParsedSource {
  const reader: Reader = { blocks: [], title: '', text: '', hiddenDepth: 0, preDepth: 0, inTitle: false };
  const parser = new Parser(
    {
      onopentag: (name) => openTag(reader, name),
      ontext: (text) => addText(reader, text),
      onclosetag: (name) => closeTag(reader, name),
    },
    { decodeEntities: true, lowerCaseTags: true },
  );
  parser.end(content);
  flush(reader);
  return { title: collapse(reader.title) || findHeadingTitle(reader.blocks), blocks: reader.blocks };
}

function openTag(reader: Reader, name: string): void {
  if (HIDDEN.has(name)) reader.hiddenDepth += 1;
  else if (name === 'title') reader.inTitle = true;
  else if (name === 'br') reader.text += '\n';
  else if (name === 'td' || name === 'th') reader.text += reader.text.trim() === '' ? '' : ' | ';
  else if (!INLINE.has(name) && !VOID_HEAD.has(name) && reader.preDepth === 0) flush(reader);
  if (name === 'li') reader.text = '- ';
  if (name === 'pre') reader.preDepth += 1;
}

function closeTag(reader: Reader, name: string): void {
  if (HIDDEN.has(name)) reader.hiddenDepth = Math.max(0, reader.hiddenDepth - 1);
  else if (name === 'title') reader.inTitle = false;
  else if (/^h[1-6]$/.test(name)) flushHeading(reader, Number(name.slice(1)));
  else if (name === 'pre') flushCode(reader);
  else if (name !== 'td' && name !== 'th' && name !== 'br' && !INLINE.has(name) && reader.preDepth === 0)
    flush(reader);
}

function addText(reader: Reader, text: string): void {
  if (reader.hiddenDepth > 0) return;
  if (reader.inTitle) reader.title += text;
  else reader.text += reader.preDepth > 0 ? text : text.replaceAll(/\s+/g, ' ');
}

function flush(reader: Reader): void {
  const lines = reader.text.split('\n').map(collapse);
  const text = lines.filter((line) => line !== '').join('\n');
  reader.text = '';
  if (text === '' || text === '-') return;
  const previous = reader.blocks.at(-1);
  const joinsList = text.startsWith('- ') && previous?.kind === 'paragraph' && previous.text.startsWith('- ');
  if (joinsList)
    reader.blocks[reader.blocks.length - 1] = { kind: 'paragraph', text: `${previous.text}\n${text}` };
  else reader.blocks.push({ kind: 'paragraph', text });
}

function flushHeading(reader: Reader, level: number): void {
  const text = collapse(reader.text);
  reader.text = '';
  if (text !== '') reader.blocks.push({ kind: 'heading', level, text });
}

function flushCode(reader: Reader): void {
  reader.preDepth = Math.max(0, reader.preDepth - 1);
  if (reader.preDepth > 0) return;
  const code = reader.text.replaceAll(/\r\n?/g, '\n').replace(/^\n+/, '').trimEnd();
  reader.text = '';
  if (code !== '') reader.blocks.push({ kind: 'code', text: toFenced(code) });
}

/** The fence is longer than any run of backticks in the code. */
function toFenced(code: string): string {
  const longest = Math.max(2, ...Array.from(code.matchAll(/`+/g), (run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${code}\n${fence}`;
}

function collapse(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
