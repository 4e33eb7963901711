/** What the checker reads: what clients saw, what the database kept, what the backend was asked. Plain data. */
import type { LedgerKind } from '../../../src/types/quota.ts';
import type { InterruptReason, TurnStatus } from '../../../src/types/turn.ts';
import type { LoggedEvent } from '../../../src/types/turn-event.ts';
import type { Plan } from '../question.ts';

/** An event as a client received it. */
export interface SeenEvent {
  readonly __typename: string;
  readonly turnId: string;
  readonly fromSeq: number;
  readonly seq: number;
  readonly cursor: string;
  readonly token?: string;
  readonly answer?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly discardAfterSeq?: number;
  /** Of EndEvent: the turn as the database has it when the event arrives. */
  readonly turn?: { readonly status: TurnStatus; readonly answer: string };
}

/** One thing that happened to a client, in order. Times are of Date.now(). */
export type HistoryEntry =
  /** It asks for the turn, from the cursor on or from the beginning. */
  | { readonly kind: 'connect'; readonly at: number; readonly node: string; readonly after: string | null }
  | { readonly kind: 'event'; readonly at: number; readonly event: SeenEvent }
  /** A GraphQL error instead of an event. */
  | { readonly kind: 'refused'; readonly at: number; readonly code: string; readonly message: string }
  /** The server said that there is nothing more. */
  | { readonly kind: 'complete'; readonly at: number }
  /** The connection is over: the WebSocket close code, 0 where there is none. */
  | { readonly kind: 'closed'; readonly at: number; readonly code: number; readonly reason: string };

export const RULES = {
  P1: 'events in order and without gaps, or an explicit reset',
  P3: 'one turn a question, one call of the backend',
  P4: 'exactly one last event, saved before it is seen',
  P7: 'every turn charged exactly once',
  TEXT: 'the same text everywhere',
  ENDED: 'every accepted question ends',
  FENCE: 'one writer at a time',
} as const;
export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  /** Key of the question. */
  readonly key: string;
  readonly what: string;
}

export interface LastEvent {
  readonly type: string;
  readonly seq: number;
  /** The reason of an interruption, the code of an error. */
  readonly reason: string | null;
}

/** What became of one client's question, as far as the client knows. */
export interface ClientOutcome {
  readonly plan: Plan;
  readonly kind: string;
  readonly turnId: string | null;
  readonly last: LastEvent | null;
  readonly text: string;
  readonly connects: number;
  /** Why it does not go on, when it was refused for good. */
  readonly abandoned: string | null;
  readonly violations: readonly Violation[];
  /** WebSocket closes that the server sent: their codes and times. */
  readonly closes: readonly { readonly code: number; readonly at: number }[];
  /** Milliseconds of Date.now(); null while it has not ended. */
  readonly endedAt: number | null;
  /** The newest entries, for a look at what went wrong. */
  readonly history: readonly HistoryEntry[];
}

export interface StoredBatch {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly epoch: number;
  readonly events: readonly LoggedEvent[];
}

export interface StoredTurn {
  readonly id: string;
  readonly key: string;
  readonly status: TurnStatus;
  readonly answer: string;
  readonly interruptReason: InterruptReason | null;
  readonly fence: number;
  readonly lastSeq: number;
  /** Milliseconds of the database's clock. */
  readonly startedAt: number;
  readonly completedAt: number | null;
  readonly batches: readonly StoredBatch[];
  readonly epochs: readonly { readonly epoch: number; readonly firstSeq: number }[];
}

/** A change of a balance. */
export interface LedgerRow {
  readonly turnId: string | null;
  readonly limiter: string;
  readonly kind: LedgerKind;
  /** What it did to what is available. */
  readonly change: number;
}

export interface Balance {
  readonly limiter: string;
  readonly available: number;
  readonly reserved: number;
}

/** One request for an answer that reached the backend. */
export interface Call {
  readonly key: string;
  readonly node: string;
  /** Milliseconds of Date.now(). */
  readonly at: number;
  /** Aborted by the node; open when it is still being answered. */
  readonly outcome: 'open' | 'complete' | 'aborted';
  /** Tokens that were sent. */
  readonly tokens: number;
}
