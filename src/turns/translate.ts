/** From Responses API events to ours, as a pure function. Start and terminal events are made by the turn's owner, not here. */
import type { UpstreamEvent } from '../backend/backend.ts';
import { tellsFailure } from '../backend/failures.ts';
import { toStorable } from '../lib/text.ts';
import type { JsonObject } from '../types/json.ts';
import type { FinishReason } from '../types/turn.ts';
import { type AnswerStep, appendDelta, closePart, openTextPart, toAnswerLength } from './answer-text.ts';
import { findObject, findText, findWord } from './fields.ts';
import { findPartText, isTextPart, listMessageTexts } from './final-answer.ts';
import { listResults } from './referenced-documents.ts';
import { addToolItem, completeArguments, finishToolItem, type ToolStep } from './tool-rounds.ts';
import { breakOff, cutOff, endResponse, failResponse, isToolItem } from './translate-end.ts';
import type { Translated, TranslateState } from './translate-state.ts';
import { isExpected } from './upstream-event-types.ts';

export { type Outcome, startTranslation, type Translated, type TranslateState } from './translate-state.ts';
export { summarize, type TurnSummary } from './turn-summary.ts';

/**
 * What one upstream event means. Total: every JSON object is accepted, and unknown ones are counted in `state.ignored`.
 * After the outcome is known every event is dropped. A delta costs the same however long the answer is.
 */
export function translate(state: TranslateState, event: UpstreamEvent): Translated {
  if (state.outcome) return quiet(state);
  const type = findText(event, 'type');
  switch (type) {
    case 'response.output_text.delta':
      return addText(state, event, false);
    case 'response.refusal.delta':
      return addText(state, event, true);
    case 'response.reasoning_summary_text.delta':
    case 'response.reasoning_text.delta':
      return addReasoning(state, findText(event, 'delta') ?? '');
    case 'response.content_part.added':
      return openPart(state, event);
    case 'response.output_text.done':
      return endPart(state, event, findText(event, 'text'));
    case 'response.refusal.done':
      return endPart(refuse(state, findText(event, 'refusal')), event, findText(event, 'refusal'));
    case 'response.content_part.done':
      return endContentPart(state, event);
    case 'response.output_text.annotation.added':
    case 'response.output_text_annotation.added':
      return addCitation(state, event);
    case 'response.completed':
    case 'response.incomplete':
    case 'response.failed':
      return endResponse(identify(state, event), event, type.slice('response.'.length));
    case 'error':
      return failResponse(state, event);
    default:
      return translateItem(state, event, type);
  }
}

/** The answer took more than it may, and was stopped: as far as it has come, it is complete. */
export function cutTranslation(state: TranslateState, finishReason: FinishReason): Translated {
  return state.outcome ? quiet(state) : cutOff(state, finishReason);
}

/** The upstream stream has ended: what was held back is told; without an outcome the turn has failed. */
export function closeTranslation(state: TranslateState): Translated {
  return state.outcome ? quiet(state) : breakOff(state);
}

function translateItem(state: TranslateState, event: JsonObject, type: string | undefined): Translated {
  switch (type) {
    case 'response.created':
      return quiet({ ...identify(state, event), sawResponseCreated: true });
    case 'response.output_item.added':
      return addItem(state, event);
    case 'response.output_item.done':
      return finishItem(state, event);
    case 'response.function_call_arguments.done':
    case 'response.mcp_call_arguments.done':
    case 'response.mcp_call.arguments.done':
      return tell(state, completeArguments(state.tools, event, toAnswerLength(state.answer)));
    case undefined:
      return tellsFailure(event)
        ? failResponse(state, event)
        : quiet({ ...state, ignored: state.ignored + 1 });
    default:
      return translateOther(state, event, type);
  }
}

/** Arguments and code in the making count as written by the model; the rest of what is known changes nothing. */
function translateOther(state: TranslateState, event: JsonObject, type: string): Translated {
  if (!isExpected(type)) return quiet({ ...state, ignored: state.ignored + 1 });
  const written = type.endsWith('.delta') ? (findText(event, 'delta')?.length ?? 0) : 0;
  return quiet(written === 0 ? state : { ...state, receivedChars: state.receivedChars + written });
}

function quiet(state: TranslateState): Translated {
  return { state, bodies: [] };
}

function spoken(state: TranslateState, step: AnswerStep): Translated {
  return { state: { ...state, answer: step.answer }, bodies: step.bodies };
}

function tell(state: TranslateState, step: ToolStep): Translated {
  return { state: { ...state, tools: step.tools }, bodies: step.bodies };
}

function addText(state: TranslateState, event: JsonObject, isRefusal: boolean): Translated {
  const delta = findText(event, 'delta') ?? '';
  const { answer, bodies } = appendDelta(state.answer, event, delta);
  const refused = state.refused || (isRefusal && delta !== '');
  return { state: { ...state, answer, refused, receivedChars: state.receivedChars + delta.length }, bodies };
}

function addReasoning(state: TranslateState, delta: string): Translated {
  const text = state.heldReasoning + delta;
  const last = text.charCodeAt(text.length - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
  const receivedChars = state.receivedChars + delta.length;
  const next = { ...state, heldReasoning: text.slice(end), receivedChars };
  return {
    state: next,
    bodies: end === 0 ? [] : [{ type: 'reasoning', delta: toStorable(text.slice(0, end)) }],
  };
}

function openPart(state: TranslateState, event: JsonObject): Translated {
  const part = findObject(event, 'part');
  return isTextPart(part) ? spoken(state, openTextPart(state.answer, event)) : quiet(state);
}

function endPart(state: TranslateState, event: JsonObject, full: string | undefined): Translated {
  if (full === undefined) return quiet(state);
  const step = closePart(state.answer, event, full);
  const sent = toAnswerLength(step.answer) - toAnswerLength(state.answer);
  const unseen = Math.max(0, sent - state.answer.held.length);
  return spoken({ ...state, receivedChars: state.receivedChars + unseen }, step);
}

function endContentPart(state: TranslateState, event: JsonObject): Translated {
  const part = findObject(event, 'part');
  const text = findPartText(part);
  return endPart(part?.type === 'refusal' ? refuse(state, text) : state, event, text);
}

function refuse(state: TranslateState, text: string | undefined): TranslateState {
  return text ? { ...state, refused: true } : state;
}

function addCitation(state: TranslateState, event: JsonObject): Translated {
  const annotation = findObject(event, 'annotation');
  if (!annotation) return quiet(state);
  const citations = [...state.sources.citations, annotation];
  return quiet({ ...state, sources: { ...state.sources, citations } });
}

function addItem(state: TranslateState, event: JsonObject): Translated {
  const item = findObject(event, 'item');
  if (!item) return quiet(state);
  const searched = item.type === 'file_search_call' ? expectCitations(state) : state;
  return quiet({ ...searched, tools: addToolItem(state.tools, event, item) });
}

function finishItem(state: TranslateState, event: JsonObject): Translated {
  const item = findObject(event, 'item');
  if (item?.type === 'message') return finishMessage(state, event, item);
  if (!item || !isToolItem(item)) return quiet(state);
  const step = finishToolItem(state.tools, event, item, toAnswerLength(state.answer));
  const found = listResults(item);
  if (item.type !== 'file_search_call') return tell(state, step);
  const results = [...state.sources.results, ...found];
  return tell({ ...expectCitations(state), sources: { ...state.sources, results } }, step);
}

/** A message's end repeats its text, which counts only where a backend streams no text at all. */
function finishMessage(state: TranslateState, event: JsonObject, item: JsonObject): Translated {
  if (toAnswerLength(state.answer) > 0 || state.answer.held !== '') return quiet(state);
  return listMessageTexts(item).reduce<Translated>((step, text, index) => {
    const next = endPart(step.state, { ...event, content_index: index }, text);
    return { state: next.state, bodies: [...step.bodies, ...next.bodies] };
  }, quiet(state));
}

function expectCitations(state: TranslateState): TranslateState {
  return state.answer.citesFiles ? state : { ...state, answer: { ...state.answer, citesFiles: true } };
}

function identify(state: TranslateState, event: JsonObject): TranslateState {
  const id = findWord(findObject(event, 'response'), 'id') ?? findWord(event, 'response_id');
  return id === undefined ? state : { ...state, responseId: toStorable(id) };
}
