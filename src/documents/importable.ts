/** What a source must be like to be imported. */
import { AppError } from '../errors.ts';
import { isStorable } from '../lib/text.ts';
import type { DocumentSource } from '../types/document.ts';
import { MAX_TITLE_LENGTH } from './parse.ts';

const MAX_NAME_LENGTH = 512;
const MAX_URL_LENGTH = 2_048;

/** Throws BAD_USER_INPUT with a message that names the document and the rule. */
export function requireImportable(source: DocumentSource, maxContentBytes: number): void {
  const { name, title, url, content } = source;
  if (name.trim() === '' || name.length > MAX_NAME_LENGTH) {
    throw refusal(`The name of a document must have 1 to ${MAX_NAME_LENGTH} characters`);
  }
  if (!isStorable(name))
    throw refusal('The name of a document contains a NUL character or half of a surrogate pair');
  const size = Buffer.byteLength(content);
  if (size > maxContentBytes) {
    throw refusal(
      `The document '${name}' is too large: ${size} bytes, at most ${maxContentBytes} are allowed`,
    );
  }
  for (const text of [content, title ?? '']) {
    if (!isStorable(text))
      throw refusal(`The document '${name}' contains a NUL character or half of a surrogate pair`);
  }
  if (content.trim() === '') throw refusal(`The document '${name}' is empty`);
  if (title !== undefined && title.length > MAX_TITLE_LENGTH) {
    throw refusal(`The title of the document '${name}' is longer than ${MAX_TITLE_LENGTH} characters`);
  }
  if (url !== undefined && !isWebUrl(url)) {
    throw refusal(
      `The URL of the document '${name}' must be an absolute http or https URL of at most ${MAX_URL_LENGTH} characters`,
    );
  }
}

function isWebUrl(text: string): boolean {
  return (
    text.length <= MAX_URL_LENGTH && /^https?:\/\//i.test(text) && isStorable(text) && URL.canParse(text)
  );
}

function refusal(message: string): AppError {
  return new AppError('BAD_USER_INPUT', message);
}
