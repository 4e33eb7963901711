/** From a request to the parts of its response: search, compose, cut, count. */
import { randomId } from '../lib/ids.ts';
import type { FoundPassage } from '../types/document.ts';
import { choosePassages } from './choose-passages.ts';
import { type ComposedAnswer, composeAnswer } from './compose-answer.ts';
import type { AnswerRequest } from './request.ts';
import type { ResponseParts } from './response-events.ts';
import { toSearchQuery } from './search-query.ts';

/** The passages that match a query best, best first, at most `limit`. */
export type SearchDocuments = (query: string, limit: number) => Promise<readonly FoundPassage[]>;

export async function answer(
  request: AnswerRequest,
  searchDocuments: SearchDocuments,
): Promise<ResponseParts> {
  const { body, userMessages, maxResults } = request;
  const query = toSearchQuery(userMessages);
  const found = maxResults === 0 ? undefined : await searchDocuments(query, maxResults);
  const whole = composeAnswer(found && choosePassages(found, userMessages.at(-1) ?? ''));
  const cut = cutAnswer(whole, body.max_output_tokens ?? Number.POSITIVE_INFINITY);
  return {
    body,
    id: randomId().replaceAll('-', ''),
    createdAt: Math.floor(Date.now() / 1_000),
    search: found && { query, found },
    text: cut.text,
    citations: cut.citations,
    isCut: cut.text.length < whole.text.length,
    usage: {
      inputTokens: estimateTokens(`${body.instructions ?? ''}${toInputText(body.input)}`),
      outputTokens: estimateTokens(cut.text),
    },
  };
}

/** An estimate, since no tokenizer is at work: one token for four bytes of UTF-8, rounded up. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** The beginning of the answer that fits, cut between words; citations whose mark is lost are dropped. */
export function cutAnswer(composed: ComposedAnswer, maxTokens: number): ComposedAnswer {
  if (estimateTokens(composed.text) <= maxTokens) return composed;
  const kept: string[] = [];
  let bytes = 0;
  for (const word of composed.text.match(/\s*\S+/g) ?? []) {
    bytes += Buffer.byteLength(word);
    if (bytes > maxTokens * 4) break;
    kept.push(word);
  }
  const text = kept.join('');
  return { text, citations: composed.citations.filter(({ end }) => end <= text.length) };
}

function toInputText(input: AnswerRequest['body']['input']): string {
  if (typeof input === 'string') return input;
  const contents = input.map(({ content }) => content ?? '');
  return contents
    .flatMap((content) => (typeof content === 'string' ? [content] : content.map((part) => part.text ?? '')))
    .join('\n');
}
