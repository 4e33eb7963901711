/** The public face of the turn engine: what the GraphQL layer may ask of it. Put together in create-engine.ts. */
import type { TurnCredentials } from '../types/credentials.ts';
import type { RagChunk, ReferencedDocument } from '../types/document.ts';
import type { ToolCall, ToolResult } from '../types/tool-call.ts';
import type { InterruptReason, Turn } from '../types/turn.ts';
import type { TurnEvent } from '../types/turn-event.ts';
import type { Viewer } from '../types/viewer.ts';

export const DISCONNECT_POLICIES = ['CONTINUE', 'CANCEL'] as const;
export type DisconnectPolicy = (typeof DISCONNECT_POLICIES)[number];
export const BUSY_POLICIES = ['REJECT', 'INTERRUPT'] as const;
export type BusyPolicy = (typeof BUSY_POLICIES)[number];

/** Where the content of an attachment is: here, or in an upload of the viewer's. */
export type AttachmentContent =
  | { readonly text: string }
  | { readonly base64: string }
  | { readonly uploadId: string };

export interface AttachmentInput {
  readonly attachmentType: string;
  readonly contentType: string;
  readonly content: AttachmentContent;
}

/** A question as it comes from the API: types are right, values are not yet checked. */
export interface StartTurnInput {
  readonly query: string;
  readonly conversationId?: string | undefined;
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly systemPrompt?: string | undefined;
  readonly attachments?: readonly AttachmentInput[] | undefined;
  readonly noTools?: boolean | undefined;
  readonly vectorStoreIds?: readonly string[] | undefined;
  /** Absent: every configured shield. */
  readonly shieldIds?: readonly string[] | undefined;
  /** Absent: true. */
  readonly generateTopicSummary?: boolean | undefined;
  /** Idempotency key, up to 255 characters, scoped to the viewer. */
  readonly clientTurnId?: string | undefined;
  /** What the client brought for tools; never stored. */
  readonly credentials?: TurnCredentials | undefined;
  /** UUID of the WebSocket operation that asks: the key when there is no clientTurnId. */
  readonly operationId?: string | undefined;
  readonly onDisconnect?: DisconnectPolicy | undefined;
  readonly whenBusy?: BusyPolicy | undefined;
}

export interface StartedTurn {
  readonly turn: Turn;
  /** False when the same question had been accepted before and this call found it. */
  readonly created: boolean;
}

export interface FollowTurnInput {
  readonly turnId: string;
  /** The turn itself when this call of the viewer's has just begun it: then it is not read again. */
  readonly begun?: Turn | undefined;
  /** A cursor of this turn; only later events are sent. Absent: from the beginning. */
  readonly after?: string | undefined;
  /** Merge deltas of one kind to at most one event in this time, 0 to 1,000 ms. */
  readonly minIntervalMs?: number | undefined;
}

export type CancelOutcome = 'CANCELLED' | 'ALREADY_ENDED';

export interface TurnEngine extends AsyncDisposable {
  /**
   * Accepts a question, or finds the turn that it already has. Every check of a question happens here, in one order.
   * Before acceptance it throws an AppError and nothing is stored or called; afterwards the turn belongs to the server.
   */
  start(viewer: Viewer, input: StartTurnInput): Promise<StartedTurn>;
  /**
   * Follows a turn in batches: replay after the cursor, then live, ending after the terminal event or the abort.
   * Rejects with NOT_FOUND, CURSOR_INVALID or CURSOR_EXPIRED before it returns; the iterable itself throws only
   * DEPENDENCY_UNAVAILABLE (read nothing for 30 s), TURN_MOVED (this node ran the turn and lost it to another one), after
   * both of which the last cursor stays valid, and, when the rest of an ended turn is deleted while it is replayed,
   * CURSOR_EXPIRED.
   */
  follow(
    viewer: Viewer,
    input: FollowTurnInput,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly TurnEvent[]>>;
  /** Ends a running turn as CANCELLED; resolves with the turn when it has ended. Throws NOT_FOUND. */
  cancel(viewer: Viewer, turnId: string): Promise<{ readonly turn: Turn; readonly outcome: CancelOutcome }>;
  /** Ends the turn that runs in a conversation, if there is one, for the given reason. */
  interruptConversation(viewer: Viewer, conversationId: string, reason: InterruptReason): Promise<void>;
  /** Throws NOT_FOUND. While the turn runs, `answer` is the text so far. */
  get(viewer: Viewer, turnId: string): Promise<Turn>;
  /** The turn of an event that the viewer was given: also when its conversation was deleted since, then without content. */
  getOfEvent(viewer: Viewer, turnId: string): Promise<Turn>;
  /** Turns of a conversation in order of (startedAt, id), after the given turn; at most `limit`. Throws NOT_FOUND. */
  list(viewer: Viewer, page: TurnPage): Promise<readonly Turn[]>;
  /** Resolves with the turn as soon as it has ended, or as it stands after `waitMs`. */
  wait(viewer: Viewer, turnId: string, waitMs: number): Promise<Turn>;
  /** What the turns refer to, keyed by turn id; turns of others are left out. For batched loading. */
  listDocuments(
    viewer: Viewer,
    turnIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly ReferencedDocument[]>>;
  listChunks(viewer: Viewer, turnIds: readonly string[]): Promise<ReadonlyMap<string, readonly RagChunk[]>>;
  listToolCalls(
    viewer: Viewer,
    turnIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly RecordedToolCall[]>>;
  /** Turns that run on this node. */
  readonly runningCount: number;
  /**
   * Takes no new turns from now on: `start` throws SHUTTING_DOWN unless the question has its turn already. Resolves when
   * everything that runs here has ended; what still runs after `graceMs` ends as SHUTDOWN, with its text. Everything else
   * goes on. Disposal does the same without a grace time, also when a drain is under way.
   */
  drain(graceMs: number): Promise<void>;
}

export interface TurnPage {
  readonly conversationId: string;
  readonly limit: number;
  readonly after?: { readonly startedAt: Date; readonly id: string } | undefined;
  /** Walks backwards from the end (or from `after`). */
  readonly reverse?: boolean | undefined;
}

/** A tool call of a turn with its result, when there is one. A result of an earlier turn's call has a call that is UNNAMED. */
export interface RecordedToolCall {
  readonly call: ToolCall;
  readonly result: ToolResult | null;
}
