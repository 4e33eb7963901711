/** What a recording promises: the original's events with the differences that we make on purpose. The comparison lives in expected-events.ts. */
import { isObject } from '../../src/turns/fields.ts';
import type { ReferencedDocument } from '../../src/types/document.ts';
import type { JsonObject, JsonValue } from '../../src/types/json.ts';

/** A recording: the upstream events, what the original made of them, and what we promise to do better. */
export interface Recording {
  readonly upstream: readonly JsonObject[];
  readonly expected: ExpectedTurn;
  readonly better: Better;
}

export interface ExpectedTurn {
  readonly outcome: string;
  /** Set when the original broke down in the middle; its events are then only a beginning. */
  readonly crash?: string;
  readonly events: readonly { readonly event: string; readonly data: JsonObject }[];
}

export interface Better {
  readonly outcome?: string | readonly string[];
  readonly final_text?: string;
  readonly final_text_contains?: readonly string[];
  readonly keeps_partial_text?: readonly string[];
  readonly refusal?: string;
  readonly reason?: string | null;
  readonly tokens?: readonly [number, number];
  readonly cause_contains?: string;
  readonly reasoning_chars?: number;
  readonly unreported_items?: readonly string[];
}

/** The joined tokens: the original's where it has all of them, else all streamed parts without their citation markers. */
export function toPromisedTokens({ expected, upstream }: Recording): string {
  const parts = listStreamedParts(upstream);
  const refuses = upstream.some((event) => event.type === 'response.refusal.delta');
  const marked = parts.some((text) => text.includes('<|file-'));
  if (parts.length > 1 || refuses || marked || expected.crash !== undefined) {
    return parts.join('\n\n').replace(/ ?<\|file-[^|]+\|>/g, '');
  }
  const completeAt = expected.events.findIndex(({ event }) => event === 'turn_complete');
  const before = completeAt === -1 ? expected.events : expected.events.slice(0, completeAt);
  const tokens = before.filter(({ event }) => event === 'token').map(({ data }) => data.token);
  return tokens.join('');
}

const DELTAS: readonly unknown[] = ['response.output_text.delta', 'response.refusal.delta'];
const ENDS: readonly unknown[] = ['response.completed', 'response.incomplete', 'response.failed'];

/** The texts of all parts before the response's end, in order of appearance, without empty ones. */
function listStreamedParts(upstream: readonly JsonObject[]): readonly string[] {
  const end = upstream.findIndex((event) => ENDS.includes(event.type));
  const parts = new Map<string, string>();
  for (const event of end === -1 ? upstream : upstream.slice(0, end)) {
    const key = `${event.output_index}:${event.content_index}`;
    if (DELTAS.includes(event.type)) parts.set(key, `${parts.get(key) ?? ''}${event.delta}`);
  }
  return [...parts.values()].filter((text) => text !== '');
}

const KINDS: Readonly<Record<string, string>> = {
  tool_call: 'MCP_APPROVAL_REQUEST',
  mcp_approval_response: 'MCP_APPROVAL_REQUEST',
};

export function toKind(type: JsonValue | undefined): string {
  return KINDS[String(type)] ?? String(type).toUpperCase();
}

function listItems(upstream: readonly JsonObject[], type: string): readonly JsonObject[] {
  const events = upstream.filter((event) => event.type === type);
  return events.map((event) => event.item).filter(isObject);
}

/** The items that ended while the response streamed. */
export function listEndedItems(upstream: readonly JsonObject[]): readonly JsonObject[] {
  return listItems(upstream, 'response.output_item.done');
}

/** The arguments that we promise where the original has others: the web search's action, text for what JSON cannot carry. */
export function toPromisedArgs(call: JsonObject, upstream: readonly JsonObject[]): JsonValue | undefined {
  const item = listEndedItems(upstream).find((one) => one.call_id === call.id || one.id === call.id);
  if (item?.type === 'web_search_call') return item.action ?? {};
  const text = item?.arguments;
  const isBeyondJson = typeof text === 'string' && /NaN|Infinity|e400/.test(text);
  return isBeyondJson ? { args: text } : call.args;
}

/** The original's documents without unsafe urls, file ids as titles, and repetitions. */
export function toPromisedDocuments(
  end: JsonObject,
  upstream: readonly JsonObject[],
): readonly ReferencedDocument[] {
  const results = listEndedItems(upstream).flatMap((item) =>
    Array.isArray(item.results) ? item.results : [],
  );
  const fileIds = new Set(results.filter(isObject).map((result) => result.file_id));
  const documents = Array.isArray(end.referenced_documents) ? end.referenced_documents.filter(isObject) : [];
  const promised = documents.map((document) => ({
    title: fileIds.has(document.doc_title ?? '') ? null : toText(document.doc_title),
    url: /^https?:/.test(toText(document.doc_url) ?? '') ? toText(document.doc_url) : null,
  }));
  const there = promised.filter((document) => document.title !== null || document.url !== null);
  return [...new Map(there.map((document) => [JSON.stringify(document), document])).values()];
}

function toText(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
