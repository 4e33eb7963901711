/** The oracle for recorded streams: what the original service made of each, turned into what we promise, and compared with ours. */

import { toStorable } from '../../src/lib/text.ts';
import type { JsonObject } from '../../src/types/json.ts';
import type { TurnEventBody } from '../../src/types/turn-event.ts';
import type { TurnUsage } from '../../src/types/usage.ts';
import {
  type ExpectedTurn,
  listEndedItems,
  type Recording,
  toKind,
  toPromisedArgs,
  toPromisedDocuments,
  toPromisedTokens,
} from './recorded-promises.ts';

type Bodies = readonly TurnEventBody[];
type OfType<T extends TurnEventBody['type']> = Extract<TurnEventBody, { readonly type: T }>;

/** Sentences that name every difference between the events of a turn and the promise; empty when there is none. */
export function findDisagreements(recording: Recording, bodies: Bodies): readonly string[] {
  return [
    ...compareShape(bodies),
    ...compareOutcome(recording, bodies),
    ...compareTokens(recording, bodies),
    ...compareAnswer(recording, bodies),
    ...compareCalls(recording, bodies),
    ...compareResults(recording, bodies),
    ...compareEnd(recording, bodies),
    ...compareReasoning(recording, bodies),
  ];
}

function pick<T extends TurnEventBody['type']>(bodies: Bodies, type: T): readonly OfType<T>[] {
  return bodies.filter((body): body is OfType<T> => body.type === type);
}

function differ(what: string, ours: unknown, promised: unknown): readonly string[] {
  const [left, right] = [JSON.stringify(canonical(ours)), JSON.stringify(canonical(promised))];
  return left === right ? [] : [`${what}: ${left} instead of ${right}`];
}

/** Object keys in order, so that equal values have equal JSON. */
function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(canonical);
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, canonical(item)]));
}

function compareShape(bodies: Bodies): readonly string[] {
  const terminals = bodies.filter((body) => ['end', 'error', 'interrupted'].includes(body.type));
  const callIds = pick(bodies, 'tool_call').map((call) => call.toolCallId);
  const completeAt = bodies.findIndex((body) => body.type === 'turn_complete');
  const after = completeAt === -1 ? [] : bodies.slice(completeAt + 1, -1).map((body) => body.type);
  return [
    ...differ('first event', bodies[0]?.type, 'start'),
    ...differ('terminal events', terminals.length, 1),
    ...differ('last event', bodies.at(-1)?.type, terminals[0]?.type),
    ...differ('events between turn_complete and the end', after, []),
    ...differ('calls told twice', callIds.length - new Set(callIds).size, 0),
  ];
}

/** What the upstream stream ends with decides; the original calls a broken stream an end and an incomplete one an error. */
function compareOutcome({ expected, better, upstream }: Recording, bodies: Bodies): readonly string[] {
  const incomplete = upstream.some((event) => event.type === 'response.incomplete');
  const own = better.outcome === undefined ? expected.outcome : better.outcome;
  const promised = incomplete ? 'end' : own;
  const last = bodies.at(-1);
  if (last?.type !== 'error') return differ('outcome', last?.type, promised);
  const told = expected.events.find(({ event }) => event === 'error')?.data.cause ?? '';
  const cause = better.cause_contains ?? told;
  const contained = typeof cause === 'string' && (last.error.cause ?? '').includes(cause);
  return [...differ('outcome', 'error', promised), ...differ('cause contained', contained, true)];
}

function compareTokens(recording: Recording, bodies: Bodies): readonly string[] {
  const tokens = pick(bodies, 'token').map((body) => body.token);
  return differ('tokens', tokens.join(''), toStorable(toPromisedTokens(recording)));
}

const PLACEHOLDER = 'No response from the model';

function compareAnswer({ expected, better }: Recording, bodies: Bodies): readonly string[] {
  const answer = pick(bodies, 'turn_complete')[0]?.answer;
  if (answer === undefined) return [];
  const parts = [
    ...(better.final_text_contains ?? better.keeps_partial_text ?? []),
    ...(better.refusal === undefined ? [] : [better.refusal]),
  ];
  const missing = parts.filter((part) => !answer.includes(part)).map((part) => `answer lacks: ${part}`);
  const original = expected.events.find(({ event }) => event === 'turn_complete')?.data.token;
  if (better.final_text !== undefined) return differ('answer', answer, better.final_text);
  if (parts.length > 0 || typeof original !== 'string') return missing;
  return differ('answer', answer, original === PLACEHOLDER ? '' : toStorable(original));
}

function compareCalls({ expected, upstream, better }: Recording, bodies: Bodies): readonly string[] {
  const promised = expected.events
    .filter(({ event }) => event === 'tool_call')
    .map(({ data }) => ({
      id: data.id,
      name: data.name,
      args: toPromisedArgs(data, upstream),
      kind: toKind(data.type),
    }));
  const calls = pick(bodies, 'tool_call');
  const known = new Set(promised.map((call) => call.id));
  const ours = calls
    .filter((call) => known.has(call.toolCallId) || !isExtra(call, upstream, expected))
    .map((call) => ({ id: call.toolCallId, name: call.name, args: call.args, kind: call.kind }));
  const length = expected.crash === undefined ? ours.length : promised.length;
  const others = calls.filter((call) => call.kind === 'OTHER').length;
  const otherResults = pick(bodies, 'tool_result').filter((result) => result.kind === 'OTHER').length;
  const unreported = better.unreported_items ?? [];
  return [
    ...differ('tool calls', ours.slice(0, length), promised),
    ...(others + otherResults < unreported.length ? [`unreported: ${unreported.join(', ')}`] : []),
  ];
}

/** Kinds that the original passes over, and calls whose item was announced under an id with which it never ended. */
function isExtra(
  call: OfType<'tool_call'>,
  upstream: readonly JsonObject[],
  expected: ExpectedTurn,
): boolean {
  const ended = listEndedItems(upstream).some((item) => item.call_id === call.toolCallId);
  return call.kind === 'OTHER' || (call.kind === 'FUNCTION_CALL' && !ended && expected.crash === undefined);
}

function compareResults({ expected }: Recording, bodies: Bodies): readonly string[] {
  const promised = expected.events
    .filter(({ event }) => event === 'tool_result')
    .map(({ data }) => ({
      id: data.id,
      rawStatus: data.status,
      content: parseContent(String(data.content)),
      kind: toKind(data.type),
      round: data.round,
    }));
  const ours = pick(bodies, 'tool_result')
    .filter((result) => result.kind !== 'OTHER')
    .map((result) => ({
      id: result.toolCallId,
      rawStatus: result.rawStatus,
      content: parseContent(result.content),
      kind: result.kind,
      round: result.round,
    }));
  const length = expected.crash === undefined ? ours.length : promised.length;
  const callAt = (id: string): number =>
    bodies.findIndex((body) => body.type === 'tool_call' && body.toolCallId === id);
  const early = bodies.flatMap((body, index) =>
    body.type === 'tool_result' && callAt(body.toolCallId) > index ? [body.toolCallId] : [],
  );
  return [
    ...differ('tool results', ours.slice(0, length), promised),
    ...differ('results before calls', early, []),
  ];
}

function parseContent(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const FINISH_REASONS: Readonly<Record<string, string>> = {
  max_output_tokens: 'MAX_OUTPUT_TOKENS',
  content_filter: 'CONTENT_FILTER',
};

function compareEnd({ expected, better, upstream }: Recording, bodies: Bodies): readonly string[] {
  const [end] = pick(bodies, 'end');
  if (!end) return [];
  const original = expected.events.find(({ event }) => event === 'end')?.data;
  const reported = [original?.input_tokens, original?.output_tokens];
  const incomplete = upstream.some((event) => event.type === 'response.incomplete');
  const usage = better.tokens ?? (original ? reported : undefined);
  return [
    ...(usage ? compareUsage(end.usage, usage) : []),
    ...differ('truncated', end.truncated, incomplete),
    ...(incomplete
      ? differ('finish reason', end.finishReason, FINISH_REASONS[better.reason ?? ''] ?? 'OTHER')
      : []),
    ...(better.refusal === undefined ? [] : differ('finish reason', end.finishReason, 'REFUSAL')),
    ...(original
      ? differ('documents', end.referencedDocuments, toPromisedDocuments(original, upstream))
      : []),
  ];
}

/** What was not reported, or only in part, counts as not reported and is estimated later; everything else is what was reported. */
function compareUsage(
  { inputTokens, outputTokens, source }: TurnUsage,
  promised: readonly unknown[],
): readonly string[] {
  const isWhole = promised.every((tokens) => typeof tokens === 'number' && tokens > 0);
  if (source !== 'REPORTED') return differ('a whole report of usage', isWhole, false);
  return differ('usage', [inputTokens, outputTokens], promised);
}

function compareReasoning({ better }: Recording, bodies: Bodies): readonly string[] {
  const chars = pick(bodies, 'reasoning').reduce((sum, body) => sum + body.delta.length, 0);
  return better.reasoning_chars === undefined
    ? []
    : differ('reasoning characters', chars, better.reasoning_chars);
}
