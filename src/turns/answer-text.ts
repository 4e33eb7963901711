/** The answer while it streams: its parts, the tokens they become, and what is held back. Final answers live in final-answer.ts. */
import { toStorable } from '../lib/text.ts';
import type { JsonObject } from '../types/json.ts';
import type { TokenBody } from '../types/turn-event.ts';
import { findOpenEnd, removeMarkers } from './citation-markers.ts';
import { findNumber } from './fields.ts';

/** What stands between two parts of an answer. */
const BLANK_LINE = '\n\n';
const NOTHING: readonly TokenBody[] = [];

/** A text or refusal part. Items are told apart by their index: some backends give each event another item id. */
export interface TextPart {
  readonly outputIndex: number;
  readonly contentIndex: number;
  /** What was sent as tokens, without the blank line before it. */
  readonly text: string;
  /** Whether a blank line was sent before it. */
  readonly separated: boolean;
  /** The whole text as the backend repeated it at the part's end. */
  readonly full: string | null;
}

export interface AnswerText {
  /** In order of appearance. */
  readonly parts: readonly TextPart[];
  /** Index of the part that the newest text belongs to; -1 before the first. */
  readonly current: number;
  /** The end of the current part that is not sent yet: a marker, a space or a character that may be cut in two. */
  readonly held: string;
  /** Whether the turn searched files, so that citation markers are to be expected. */
  readonly citesFiles: boolean;
  readonly nextChunkId: number;
}

export interface AnswerStep {
  readonly answer: AnswerText;
  readonly bodies: readonly TokenBody[];
}

export const NO_ANSWER: AnswerText = {
  parts: [],
  current: -1,
  held: '',
  citesFiles: false,
  nextChunkId: 0,
};

/** A text part begins: an empty token tells that the answer begins, a blank line that another part does. */
export function openTextPart(answer: AnswerText, event: JsonObject): AnswerStep {
  const entered = enterPart(answer, event);
  const part = entered.answer.parts[entered.answer.current];
  if (part?.text !== '' || part.separated) return entered;
  return hasText(entered.answer) ? separate(entered) : push(entered, '');
}

/** A piece of text or refusal. Costs the same however long the answer is. */
export function appendDelta(answer: AnswerText, event: JsonObject, delta: string): AnswerStep {
  if (delta === '') return { answer, bodies: NOTHING };
  return write(enterPart(answer, event), delta);
}

/** A part ends: what it held back is sent; when no delta of it came, its full text is sent as one. */
export function closePart(answer: AnswerText, event: JsonObject, full: string): AnswerStep {
  const index = findPart(answer, event);
  const open = answer.parts[answer.current];
  // Some backends number a part's end unlike its deltas: it ends the part that is open, or is one of its own.
  const own = index === -1 && (open === undefined || open.full !== null || open.text === '');
  const entered = own || index !== -1 ? enterPart(answer, event) : { answer, bodies: NOTHING };
  const part = entered.answer.parts[entered.answer.current];
  const unseen = part?.text === '' && entered.answer.held === '' && full !== '';
  const flushed = flushInto(unseen ? write(entered, full) : entered);
  const cleaned = toStorable(removeMarkers(full, answer.citesFiles));
  return { ...flushed, answer: changeCurrent(flushed.answer, { full: cleaned }) };
}

/** Sends what was held back: no more text follows. */
export function flushAnswer(answer: AnswerText): AnswerStep {
  return flushInto({ answer, bodies: NOTHING });
}

/** The tokens sent so far, joined. */
export function toStreamedAnswer(answer: AnswerText): string {
  return joinParts(
    answer.parts.filter((part) => part.text !== '' || part.separated).map((part) => part.text),
  );
}

/** Characters of the answer so far, without the blank lines between its parts. */
export function toAnswerLength(answer: AnswerText): number {
  return answer.parts.reduce((length, part) => length + part.text.length, 0);
}

export function joinParts(texts: readonly string[]): string {
  return texts.reduce((joined, text) => (joined === '' ? text : joined + BLANK_LINE + text), '');
}

function hasText(answer: AnswerText): boolean {
  return answer.parts.some((part) => part.text !== '');
}

function findPart(answer: AnswerText, event: JsonObject): number {
  const open = answer.parts[answer.current];
  const outputIndex = findNumber(event, 'output_index') ?? open?.outputIndex ?? 0;
  const contentIndex = findNumber(event, 'content_index') ?? open?.contentIndex ?? 0;
  if (open?.outputIndex === outputIndex && open.contentIndex === contentIndex) return answer.current;
  return answer.parts.findIndex(
    (part) => part.outputIndex === outputIndex && part.contentIndex === contentIndex,
  );
}

/** Makes the event's part the current one; the part before it sends what it held back. */
function enterPart(answer: AnswerText, event: JsonObject): AnswerStep {
  const index = findPart(answer, event);
  if (index !== -1 && index === answer.current) return { answer, bodies: NOTHING };
  const flushed = flushAnswer(answer);
  if (index !== -1) return { ...flushed, answer: { ...flushed.answer, current: index } };
  const open = answer.parts[answer.current];
  const part: TextPart = {
    outputIndex: findNumber(event, 'output_index') ?? open?.outputIndex ?? 0,
    contentIndex: findNumber(event, 'content_index') ?? open?.contentIndex ?? 0,
    text: '',
    separated: false,
    full: null,
  };
  const parts = [...flushed.answer.parts, part];
  return { ...flushed, answer: { ...flushed.answer, parts, current: parts.length - 1 } };
}

function write(step: AnswerStep, delta: string): AnswerStep {
  const { held, citesFiles } = step.answer;
  const text = held + delta;
  const end = findOpenEnd(text, citesFiles);
  const rest = { ...step, answer: { ...step.answer, held: text.slice(end) } };
  return send(rest, text.slice(0, end));
}

function flushInto(step: AnswerStep): AnswerStep {
  const { held } = step.answer;
  return held === '' ? step : send({ ...step, answer: { ...step.answer, held: '' } }, held);
}

/** Sends text of the current part as a token. */
function send(step: AnswerStep, raw: string): AnswerStep {
  const text = toStorable(removeMarkers(raw, step.answer.citesFiles));
  if (text === '') return step;
  const part = step.answer.parts[step.answer.current];
  if (!part) return step;
  const begun = part.text === '' && !part.separated && hasText(step.answer) ? separate(step) : step;
  return push({ ...begun, answer: changeCurrent(begun.answer, { text: part.text + text }) }, text);
}

function separate(step: AnswerStep): AnswerStep {
  return push({ ...step, answer: changeCurrent(step.answer, { separated: true }) }, BLANK_LINE);
}

function push(step: AnswerStep, token: string): AnswerStep {
  const chunkId = step.answer.nextChunkId;
  return {
    answer: { ...step.answer, nextChunkId: chunkId + 1 },
    bodies: [...step.bodies, { type: 'token', chunkId, token }],
  };
}

function changeCurrent(answer: AnswerText, change: Partial<TextPart>): AnswerText {
  const part = answer.parts[answer.current];
  if (!part) return answer;
  return { ...answer, parts: answer.parts.with(answer.current, { ...part, ...change }) };
}
