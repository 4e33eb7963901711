/** The events of a turn as plain data: what translate makes, the event log keeps and followers receive. */
import type { ReferencedDocument } from './document.ts';
import type { ToolCall, ToolResult } from './tool-call.ts';
import type { FinishReason, InterruptReason, TurnError } from './turn.ts';
import type { TurnUsage } from './usage.ts';

export const WARNING_CODES = [
  'HISTORY_TRUNCATED',
  'MCP_SERVER_SKIPPED',
  'CAPABILITY_MISSING',
  'TOOL_CALLS_EXCEEDED',
] as const;
export type WarningCode = (typeof WARNING_CODES)[number];

export interface StartBody {
  readonly type: 'start';
  readonly conversationId: string;
  readonly provider: string;
  readonly model: string;
}
export interface TokenBody {
  readonly type: 'token';
  /** Counts from 0 in a turn. */
  readonly chunkId: number;
  readonly token: string;
}
export interface ReasoningBody {
  readonly type: 'reasoning';
  readonly delta: string;
}
export interface ToolCallBody extends ToolCall {
  readonly type: 'tool_call';
}
export interface ToolResultBody extends ToolResult {
  readonly type: 'tool_result';
}
export interface WarningBody {
  readonly type: 'warning';
  readonly warning: WarningCode;
  readonly message: string;
}
export interface TurnCompleteBody {
  readonly type: 'turn_complete';
  /** Canonical: replaces the joined tokens. */
  readonly answer: string;
}
export interface EndBody {
  readonly type: 'end';
  readonly referencedDocuments: readonly ReferencedDocument[];
  readonly ragChunkCount: number;
  readonly truncated: boolean;
  readonly finishReason: FinishReason;
  readonly usage: TurnUsage;
}
export interface ErrorBody {
  readonly type: 'error';
  /** `resetAt` travels as an ISO string in the log. */
  readonly error: Omit<TurnError, 'resetAt'> & { readonly resetAt: string | null };
  readonly usage: TurnUsage;
}
export interface InterruptedBody {
  readonly type: 'interrupted';
  readonly reason: InterruptReason;
  readonly answer: string;
  readonly usage: TurnUsage;
}

/** What happens before the end of a turn. */
export type ProgressBody =
  | StartBody
  | TokenBody
  | ReasoningBody
  | ToolCallBody
  | ToolResultBody
  | WarningBody
  | TurnCompleteBody;
/** Exactly one of these ends a turn, and nothing comes after it. */
export type TerminalBody = EndBody | ErrorBody | InterruptedBody;
export type TurnEventBody = ProgressBody | TerminalBody;

/** Made for one follower and never logged: forget everything after `discardAfterSeq`, it is sent anew. */
export interface ResetBody {
  readonly type: 'reset';
  readonly discardAfterSeq: number;
}

/** Where an event stands in its turn's log. */
export interface EventPosition {
  readonly turnId: string;
  /** The writer's fence when the event was written. */
  readonly epoch: number;
  /** Equals `seq` but in merged deltas and in events made from a stored turn. */
  readonly fromSeq: number;
  /** From 1, without gaps. */
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

export type LoggedEvent = TurnEventBody & EventPosition;
/** What a follower receives. */
export type TurnEvent = (TurnEventBody | ResetBody) & EventPosition;

export function isTerminal(event: { readonly type: string }): boolean {
  return event.type === 'end' || event.type === 'error' || event.type === 'interrupted';
}
