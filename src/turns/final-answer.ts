/** The final text of a response, and whether it is a refusal. The text while it streams lives in answer-text.ts. */
import { toStorable } from '../lib/text.ts';
import type { JsonObject } from '../types/json.ts';
import { type AnswerText, joinParts, toStreamedAnswer } from './answer-text.ts';
import { removeMarkers } from './citation-markers.ts';
import { findText, findWord, listObjects } from './fields.ts';

/** The text of a message's content part, or undefined when it is neither text nor a refusal. */
export function findPartText(part: JsonObject | undefined): string | undefined {
  const type = findText(part, 'type');
  if (type === 'refusal') return findText(part, 'refusal') ?? findText(part, 'text');
  return isTextPart(part) ? findText(part, 'text') : undefined;
}

export function isTextPart(part: JsonObject | undefined): boolean {
  const type = findText(part, 'type');
  return type === 'output_text' || type === 'text';
}

/** Texts of a message item's content, in order, without empty ones. */
export function listMessageTexts(item: JsonObject): readonly string[] {
  const plain = findWord(item, 'content');
  if (plain !== undefined) return [plain];
  return listObjects(item, 'content')
    .map(findPartText)
    .filter((text): text is string => text !== undefined && text !== '');
}

/**
 * The answer when the response is complete: the text of its output; without one what the parts' ends said; else the deltas.
 * Where it is the text that was streamed, it is exactly the joined tokens.
 */
export function toFinalAnswer(answer: AnswerText, output: readonly JsonObject[]): string {
  const complete = output.filter((item) => item.type === 'message').flatMap(listMessageTexts);
  const cleaned = complete
    .map((text) => toStorable(removeMarkers(text, answer.citesFiles)))
    .filter((text) => text !== '');
  const full = answer.parts.map((part) => part.full || part.text).filter((text) => text !== '');
  const texts = cleaned.length > 0 ? cleaned : full;
  const streamed = answer.parts.map((part) => part.text).filter((text) => text !== '');
  const same = texts.length === streamed.length && texts.every((text, index) => text === streamed[index]);
  return same ? toStreamedAnswer(answer) : joinParts(texts);
}

/** Whether a message of the output refuses. */
export function hasRefusal(output: readonly JsonObject[]): boolean {
  return output.some((item) =>
    listObjects(item, 'content').some((part) => part.type === 'refusal' && findPartText(part) !== ''),
  );
}
