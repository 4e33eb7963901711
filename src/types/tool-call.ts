/** A tool call of a turn and its result, as clients see them. */
import type { JsonObject } from './json.ts';

export const TOOL_KINDS = [
  'FUNCTION_CALL',
  'FILE_SEARCH_CALL',
  'WEB_SEARCH_CALL',
  'MCP_CALL',
  'MCP_LIST_TOOLS',
  'MCP_APPROVAL_REQUEST',
  'OTHER',
] as const;
export type ToolKind = (typeof TOOL_KINDS)[number];

export const TOOL_STATUSES = ['COMPLETED', 'SUCCESS', 'FAILURE', 'DENIED', 'IN_PROGRESS', 'OTHER'] as const;
export type ToolStatus = (typeof TOOL_STATUSES)[number];

/** The name of a call that an earlier turn made: this one has only its result. */
export const UNNAMED = '';

export interface ToolCall {
  readonly toolCallId: string;
  readonly name: string;
  readonly args: JsonObject;
  readonly kind: ToolKind;
}

export interface ToolResult {
  readonly toolCallId: string;
  readonly status: ToolStatus;
  /** The backend's own word for the status. */
  readonly rawStatus: string;
  readonly content: string;
  readonly kind: ToolKind;
  /** Tool rounds count from 1. */
  readonly round: number;
}
