/** How a translation ends: completed, incomplete, failed, or broken off. */
import { tellsFailure, toUpstreamFailure } from '../backend/failures.ts';
import type { JsonObject } from '../types/json.ts';
import type { FinishReason } from '../types/turn.ts';
import type { ProgressBody } from '../types/turn-event.ts';
import { flushAnswer, toAnswerLength, toStreamedAnswer } from './answer-text.ts';
import { findObject, findWord, listObjects } from './fields.ts';
import { hasRefusal, toFinalAnswer } from './final-answer.ts';
import { toFinalSources } from './referenced-documents.ts';
import { finishToolItem, hasOpenCall } from './tool-rounds.ts';
import type { Outcome, Translated, TranslateState } from './translate-state.ts';
import { toUsage } from './upstream-usage.ts';

const INCOMPLETE_REASONS: Readonly<Record<string, FinishReason>> = {
  max_output_tokens: 'MAX_OUTPUT_TOKENS',
  content_filter: 'CONTENT_FILTER',
};

/**
 * The response has ended: `response.completed`, `response.incomplete` or `response.failed`.
 * Where a completed one has another status, that counts: some backends complete what is incomplete.
 */
export function endResponse(state: TranslateState, event: JsonObject, status: string): Translated {
  const response = findObject(event, 'response');
  const own = findWord(response, 'status');
  const actual = status === 'completed' && own === 'incomplete' ? own : status;
  const charged = { ...state, usage: toUsage(response) };
  if (tellsFailure(event)) return failResponse(charged, event);
  const output = listObjects(response, 'output');
  const { state: flushed, bodies } = flush(addUnseenTools(charged, output));
  const finalAnswer = toFinalAnswer(flushed.answer, output);
  const refused = flushed.refused || hasRefusal(output);
  const finishReason =
    actual === 'incomplete'
      ? toIncompleteReason(response)
      : toFinishReason({ ...flushed, refused }, finalAnswer);
  const outcome: Outcome = { kind: 'finished', finishReason, truncated: actual === 'incomplete' };
  const sources = toFinalSources(flushed.sources, output);
  return {
    state: { ...flushed, finalAnswer, refused, sources, outcome },
    bodies: [...bodies, { type: 'turn_complete', answer: finalAnswer }],
  };
}

/** The response was stopped because it took more than it may: what came of it is the answer. */
export function cutOff(state: TranslateState, finishReason: FinishReason): Translated {
  const { state: flushed, bodies } = flush({ state, bodies: [] });
  const finalAnswer = toStreamedAnswer(flushed.answer);
  return {
    state: {
      ...flushed,
      finalAnswer,
      outcome: { kind: 'finished', finishReason, truncated: true },
    },
    bodies: [...bodies, { type: 'turn_complete', answer: finalAnswer }],
  };
}

/** The response has failed; the event holds the error. Text so far is kept. */
export function failResponse(state: TranslateState, event: JsonObject): Translated {
  return fail(state, { kind: 'failed', ...toUpstreamFailure(event) });
}

/** The stream has ended without a word about the response: never a success. */
export function breakOff(state: TranslateState): Translated {
  return fail(state, {
    kind: 'failed',
    code: 'BACKEND_PROTOCOL',
    message: 'The backend broke off before its response was complete',
    explanation: null,
  });
}

function fail(state: TranslateState, outcome: Outcome): Translated {
  const { state: flushed, bodies } = flush({ state, bodies: [] });
  return { state: { ...flushed, outcome }, bodies };
}

function flush({ state, bodies }: Translated): Translated {
  const { answer, bodies: tokens } = flushAnswer(state.answer);
  const reasoning: readonly ProgressBody[] =
    state.heldReasoning === '' ? [] : [{ type: 'reasoning', delta: '\uFFFD' }];
  return { state: { ...state, answer, heldReasoning: '' }, bodies: [...bodies, ...reasoning, ...tokens] };
}

/** Backends that stream no items name their tool calls in the final output alone. */
function addUnseenTools(state: TranslateState, output: readonly JsonObject[]): Translated {
  const { calls, results } = state.tools;
  if (calls.length + results.length > 0) return { state, bodies: [] };
  const length = toAnswerLength(state.answer);
  return output.filter(isToolItem).reduce<Translated>(
    (step, item, index) => {
      const told = finishToolItem(step.state.tools, { output_index: index }, item, length);
      return { state: { ...step.state, tools: told.tools }, bodies: [...step.bodies, ...told.bodies] };
    },
    { state, bodies: [] },
  );
}

/** Whether an item of the output is a tool's: neither the answer nor the way to it. */
export function isToolItem(item: JsonObject): boolean {
  return findWord(item, 'type') !== undefined && item.type !== 'message' && item.type !== 'reasoning';
}

function toIncompleteReason(response: JsonObject | undefined): FinishReason {
  const reason = findWord(findObject(response, 'incomplete_details'), 'reason') ?? '';
  return Object.hasOwn(INCOMPLETE_REASONS, reason) ? (INCOMPLETE_REASONS[reason] ?? 'OTHER') : 'OTHER';
}

function toFinishReason(state: TranslateState, answer: string): FinishReason {
  if (state.tools.calls.some((call) => call.kind === 'MCP_APPROVAL_REQUEST')) return 'APPROVAL_REQUIRED';
  if (state.refused) return 'REFUSAL';
  return answer.trim() === '' && hasOpenCall(state.tools) ? 'TOOL_CALLS' : 'STOP';
}
