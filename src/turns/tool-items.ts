/** What each kind of tool item of the Responses API means as a call and as a result. When they are told is decided in tool-rounds.ts. */
import { toStorable } from '../lib/text.ts';
import type { JsonObject, JsonValue } from '../types/json.ts';
import type { ToolCall, ToolKind, ToolResult, ToolStatus } from '../types/tool-call.ts';
import { findObject, findText, findWord, isObject, listObjects } from './fields.ts';
import { boundArguments, toArguments, toContent } from './tool-content.ts';

/** A call but for its id, which needs the item's place in the response. */
export type CallFacts = Pick<ToolCall, 'name' | 'args' | 'kind'>;
/** The content is whole. */
export type ResultFacts = Pick<ToolResult, 'status' | 'rawStatus' | 'content' | 'kind'>;

interface ItemReading {
  readonly call: ((item: JsonObject) => CallFacts) | null;
  /** Null when the item holds no result. */
  readonly result: (item: JsonObject) => ResultFacts | null;
}

const none = (): null => null;

const READINGS: Readonly<Record<string, ItemReading>> = {
  function_call: {
    call: (item) => ({ name: nameOf(item), args: toArguments(item.arguments), kind: 'FUNCTION_CALL' }),
    result: none,
  },
  file_search_call: {
    call: (item) => ({
      name: 'knowledge_search',
      args: boundArguments({ queries: item.queries ?? [] }),
      kind: 'FILE_SEARCH_CALL',
    }),
    result: (item) => {
      const content = Array.isArray(item.results) ? toContent({ results: item.results }) : '';
      return sentStatus(item, content, 'FILE_SEARCH_CALL');
    },
  },
  web_search_call: {
    call: (item) => ({
      name: 'web_search',
      args: boundArguments(findObject(item, 'action') ?? {}),
      kind: 'WEB_SEARCH_CALL',
    }),
    result: (item) => sentStatus(item, '', 'WEB_SEARCH_CALL'),
  },
  mcp_call: {
    call: (item) => ({ name: nameOf(item), args: withServer(item), kind: 'MCP_CALL' }),
    result: (item) => {
      const failed = isPresent(item.error) || item.status === 'failed' || item.status === 'incomplete';
      const content = toContent(isPresent(item.error) ? item.error : item.output);
      return ownStatus(failed ? 'FAILURE' : 'SUCCESS', content, 'MCP_CALL');
    },
  },
  mcp_list_tools: {
    call: (item) => ({
      name: 'mcp_list_tools',
      args: boundArguments({ server_label: findText(item, 'server_label') ?? null }),
      kind: 'MCP_LIST_TOOLS',
    }),
    result: (item) =>
      isPresent(item.error)
        ? ownStatus('FAILURE', toContent(item.error), 'MCP_LIST_TOOLS')
        : ownStatus('SUCCESS', toContent(listTools(item)), 'MCP_LIST_TOOLS'),
  },
  mcp_approval_request: {
    call: (item) => ({ name: nameOf(item), args: toArguments(item.arguments), kind: 'MCP_APPROVAL_REQUEST' }),
    result: none,
  },
  mcp_approval_response: {
    call: null,
    result: (item) => {
      const content = toContent(isPresent(item.reason) ? { reason: item.reason } : {});
      return ownStatus(item.approve === true ? 'SUCCESS' : 'DENIED', content, 'MCP_APPROVAL_REQUEST');
    },
  },
};

const OTHER_CALL: ItemReading = {
  call: (item) => ({ name: nameOf(item), args: otherArguments(item), kind: 'OTHER' }),
  result: (item) => {
    const output = otherOutput(item);
    return output === undefined ? null : sentStatus(item, toContent(output), 'OTHER');
  },
};
/** An item that holds nothing but the result of an earlier call. */
const OTHER_OUTPUT: ItemReading = {
  call: null,
  result: (item) => sentStatus(item, toContent(otherOutput(item) ?? item.tools), 'OTHER'),
};

/** How to read a tool item. Kinds that this table does not know are calls of kind OTHER, or results by their name. */
export function toItemReading(type: string): ItemReading {
  if (Object.hasOwn(READINGS, type)) return READINGS[type] ?? OTHER_CALL;
  return isOutputType(type) ? OTHER_OUTPUT : OTHER_CALL;
}

export function isOutputType(type: string): boolean {
  return type.endsWith('_output');
}

const STATUSES: Readonly<Record<string, ToolStatus>> = {
  completed: 'COMPLETED',
  success: 'SUCCESS',
  failed: 'FAILURE',
  failure: 'FAILURE',
  error: 'FAILURE',
  incomplete: 'FAILURE',
  denied: 'DENIED',
  in_progress: 'IN_PROGRESS',
  queued: 'IN_PROGRESS',
  searching: 'IN_PROGRESS',
  calling: 'IN_PROGRESS',
  interpreting: 'IN_PROGRESS',
  generating: 'IN_PROGRESS',
};

function sentStatus(item: JsonObject, content: string, kind: ToolKind): ResultFacts {
  const rawStatus = toStorable(findWord(item, 'status') ?? 'completed');
  const status = Object.hasOwn(STATUSES, rawStatus) ? (STATUSES[rawStatus] ?? 'OTHER') : 'OTHER';
  return { status, rawStatus, content, kind };
}

function ownStatus(status: 'SUCCESS' | 'FAILURE' | 'DENIED', content: string, kind: ToolKind): ResultFacts {
  return { status, rawStatus: status.toLowerCase(), content, kind };
}

function nameOf(item: JsonObject): string {
  return toStorable(findWord(item, 'name', 'type') ?? 'unknown');
}

function withServer(item: JsonObject): JsonObject {
  const label = findWord(item, 'server_label');
  const args = toArguments(item.arguments);
  return label === undefined ? args : { ...args, server_label: toStorable(label) };
}

function listTools(item: JsonObject): JsonObject {
  const tools = listObjects(item, 'tools').map((tool) => ({
    name: tool.name ?? null,
    description: tool.description ?? null,
    input_schema: tool.input_schema ?? null,
  }));
  return { server_label: item.server_label ?? null, tools };
}

const OUTPUT_FIELDS: readonly string[] = ['error', 'output', 'outputs', 'result', 'results'];
/** Not arguments: bookkeeping, what the tool gave back, and blobs that only the backend can read. */
const NOT_ARGUMENTS: ReadonlySet<string> = new Set([
  ...['id', 'type', 'object', 'status', 'call_id', 'name', 'tools', 'encrypted_content', 'fingerprint'],
  ...OUTPUT_FIELDS,
]);

function otherArguments(item: JsonObject): JsonObject {
  const given = item.arguments ?? item.input;
  if (given !== undefined && given !== null) return toArguments(given);
  const fields = Object.entries(item).filter(([key, value]) => !NOT_ARGUMENTS.has(key) && isPresent(value));
  return boundArguments(Object.fromEntries(fields));
}

function otherOutput(item: JsonObject): JsonValue | undefined {
  return OUTPUT_FIELDS.map((field) => item[field]).find(isPresent);
}

function isPresent(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '') return false;
  return (
    !(Array.isArray(value) && value.length === 0) && !(isObject(value) && Object.keys(value).length === 0)
  );
}
