/** The tool calls and results of a turn: each call once, each result with its call, numbered by round. */
import { toStorable } from '../lib/text.ts';
import type { JsonObject } from '../types/json.ts';
import type { ToolCall, ToolResult } from '../types/tool-call.ts';
import type { ToolCallBody, ToolResultBody } from '../types/turn-event.ts';
import { findNumber, findText, findWord } from './fields.ts';
import { toBounded } from './tool-content.ts';
import { isOutputType, type ResultFacts, toItemReading } from './tool-items.ts';

/** An item of the response that is a tool call. */
interface ToolItem {
  readonly itemId: string | undefined;
  readonly callId: string | undefined;
  readonly outputIndex: number | undefined;
  readonly type: string;
  /** The item as it was added, for the call that is told before the item is done. */
  readonly added: JsonObject | null;
  readonly call: ToolCall | null;
  /** The round of the call; 0 until it is told. */
  readonly round: number;
  readonly done: boolean;
}

export interface ToolRounds {
  readonly items: readonly ToolItem[];
  readonly calls: readonly ToolCall[];
  readonly results: readonly ToolResult[];
  /** A round is what the model calls without a word of its answer in between: tools, text, tools are two rounds. From 1. */
  readonly round: number;
  /** Characters of the answer when the newest call or result was told. */
  readonly answerLength: number;
  /** UTF-8 bytes that are kept of a result's content. An image comes as base64 and can be far larger. */
  readonly maxResultBytes: number;
}

export interface ToolStep {
  readonly tools: ToolRounds;
  readonly bodies: readonly (ToolCallBody | ToolResultBody)[];
}

export function startTools(maxResultBytes: number): ToolRounds {
  return { items: [], calls: [], results: [], round: 1, answerLength: 0, maxResultBytes };
}

/** Kinds of items whose arguments end with an event of their own. */
const ARGUMENT_TYPES: ReadonlySet<string> = new Set(['function_call', 'mcp_call']);

/** Remembers an item whose arguments are still to come; `response.output_item.added`. */
export function addToolItem(tools: ToolRounds, event: JsonObject, item: JsonObject): ToolRounds {
  const type = findText(item, 'type') ?? '';
  if (!ARGUMENT_TYPES.has(type)) return tools;
  return { ...tools, items: [...tools.items, toToolItem(event, item, type)] };
}

/**
 * Tells the call as soon as its arguments are complete. Nothing is told when the item is not known yet
 * (some backends send the arguments first); then the item's end tells it.
 */
export function completeArguments(tools: ToolRounds, event: JsonObject, answerLength: number): ToolStep {
  const itemId = findWord(event, 'item_id');
  const index = tools.items.findLastIndex((item) => item.itemId === itemId && !item.done && !item.call);
  const found = tools.items[index];
  const args = findText(event, 'arguments');
  if (itemId === undefined || !found?.added || args === undefined) return { tools, bodies: [] };
  if (findWord(found.added, 'name') === undefined) return { tools, bodies: [] };
  return tellCall(inRound(tools, answerLength), index, { ...found.added, arguments: args });
}

/** Tells what an item that has ended holds and was not told yet; `response.output_item.done`. */
export function finishToolItem(
  tools: ToolRounds,
  event: JsonObject,
  item: JsonObject,
  answerLength: number,
): ToolStep {
  const type = findText(item, 'type') ?? '';
  const reading = toItemReading(type);
  const facts = reading.result(item);
  if (!reading.call) {
    return facts
      ? tellResult(inRound(tools, answerLength), findAnswered(tools, item, type), facts)
      : { tools, bodies: [] };
  }
  const entered = enterItem(inRound(tools, answerLength), event, item);
  if (!entered) return { tools, bodies: [] };
  const told = entered.tools.items[entered.index]?.call
    ? { tools: entered.tools, bodies: [] }
    : tellCall(entered.tools, entered.index, item);
  const items = told.tools.items.map((one, index) =>
    index === entered.index ? { ...one, done: true } : one,
  );
  const call = items[entered.index]?.call;
  const step = { tools: { ...told.tools, items }, bodies: told.bodies };
  if (!facts || !call) return step;
  const result = tellResult(step.tools, call.toolCallId, facts);
  return { tools: result.tools, bodies: [...step.bodies, ...result.bodies] };
}

/** Whether a call waits for a result that only the client can give. */
export function hasOpenCall(tools: ToolRounds): boolean {
  const answered = new Set(tools.results.map((result) => result.toolCallId));
  const open = tools.calls.filter((call) => !answered.has(call.toolCallId));
  return open.some((call) => call.kind === 'FUNCTION_CALL' || call.kind === 'OTHER');
}

function toToolItem(event: JsonObject, item: JsonObject, type: string): ToolItem {
  return {
    itemId: findWord(item, 'id'),
    callId: findWord(item, 'call_id'),
    outputIndex: findNumber(event, 'output_index'),
    type,
    added: item,
    call: null,
    round: 0,
    done: false,
  };
}

/** The item's entry, made when it was not announced; undefined when its end was seen before. */
function enterItem(
  tools: ToolRounds,
  event: JsonObject,
  item: JsonObject,
): { tools: ToolRounds; index: number } | undefined {
  const entry = toToolItem(event, item, findText(item, 'type') ?? '');
  const sharesId = (one: ToolItem): boolean => one.itemId !== undefined && one.itemId === entry.itemId;
  const sharesCallId = (one: ToolItem): boolean => one.callId !== undefined && one.callId === entry.callId;
  const isOpen = (one: ToolItem): boolean => !one.done && one.type === entry.type;
  const byId = tools.items.findIndex((one) => isOpen(one) && sharesId(one));
  const index = byId === -1 ? tools.items.findIndex((one) => isOpen(one) && sharesCallId(one)) : byId;
  if (index !== -1) return { tools, index };
  const isRepeated = (one: ToolItem): boolean =>
    one.done && one.outputIndex === entry.outputIndex && (sharesId(one) || sharesCallId(one));
  if (tools.items.some(isRepeated)) return undefined;
  return { tools: { ...tools, items: [...tools.items, entry] }, index: tools.items.length };
}

function tellCall(tools: ToolRounds, index: number, item: JsonObject): ToolStep {
  const entry = tools.items[index];
  const facts = toItemReading(entry?.type ?? '').call?.(item);
  if (!entry || !facts) return { tools, bodies: [] };
  const call: ToolCall = { toolCallId: toCallId(tools, entry, item), ...facts };
  // What was added is not needed any more and may be large.
  const told = { ...entry, call, round: tools.round, added: null };
  return {
    tools: { ...tools, items: tools.items.with(index, told), calls: [...tools.calls, call] },
    bodies: [{ type: 'tool_call', ...call }],
  };
}

function toCallId(tools: ToolRounds, entry: ToolItem, item: JsonObject): string {
  const callId = findWord(item, 'call_id') ?? entry.callId;
  const own = entry.type === 'function_call' ? (callId ?? entry.itemId) : (entry.itemId ?? callId);
  return toStorable(own ?? `call_${entry.outputIndex ?? tools.calls.length}`);
}

/** The call that an item which holds only a result answers. */
function findAnswered(tools: ToolRounds, item: JsonObject, type: string): string {
  const approval = findWord(item, 'approval_request_id');
  if (approval !== undefined) return toStorable(approval);
  const callId = findWord(item, 'call_id');
  const base = isOutputType(type) ? type.slice(0, -'_output'.length) : type;
  const answered = new Set(tools.results.map((result) => result.toolCallId));
  const found = tools.items.findLast((one) =>
    callId === undefined
      ? (one.type === base || one.type === `${base}_call`) && !answered.has(one.call?.toolCallId ?? '')
      : one.callId === callId,
  );
  return (
    found?.call?.toolCallId ?? toStorable(callId ?? findWord(item, 'id') ?? `call_${tools.calls.length}`)
  );
}

function tellResult(tools: ToolRounds, toolCallId: string, facts: ResultFacts): ToolStep {
  const answered = tools.items.findLast((item) => item.call?.toolCallId === toolCallId);
  const kind = answered?.call?.kind ?? facts.kind;
  const content = toBounded(facts.content, tools.maxResultBytes);
  const result: ToolResult = { toolCallId, ...facts, content, kind, round: answered?.round ?? tools.round };
  return {
    tools: { ...tools, results: [...tools.results, result] },
    bodies: [{ type: 'tool_result', ...result }],
  };
}

/** The tools in the round that a call or result told now belongs to. */
function inRound(tools: ToolRounds, answerLength: number): ToolRounds {
  const isNew = tools.calls.length + tools.results.length > 0 && answerLength > tools.answerLength;
  return { ...tools, round: isNew ? tools.round + 1 : tools.round, answerLength };
}
