/** What a client of the harness is told to do. Plain data: it travels to the process that plays the clients. */
import type { Plan } from '../question.ts';

export const CLIENT_KINDS = [
  /** By hand, with a clientTurnId, resuming after its last cursor. */
  'ws',
  'sse',
  /** Asks by `streamingQuery`, goes on by `turnEvents`. */
  'follow',
  /** The stock graphql-ws client, with a clientTurnId and without one. */
  'stock-keyed',
  'stock',
  /** Like ws, and cancels its turn by another node. */
  'cancel',
] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];

export interface ClientTask {
  readonly plan: Plan;
  readonly kind: ClientKind;
  /** Of this client's own chance. */
  readonly seed: number;
  /** Milliseconds after the start of its load. */
  readonly startAfterMs: number;
  /** Drops its connection again and again, after a time between these, until `untilMs` after the start of its load. */
  readonly drops: { readonly lowMs: number; readonly highMs: number; readonly untilMs: number } | null;
}

export interface LoadTask {
  /** Roots of the nodes as clients see them. */
  readonly urls: readonly string[];
  readonly clients: readonly ClientTask[];
  /** Clients at a time: on a slow machine the next begins later, so that what fails fails for its own reasons. */
  readonly concurrency: number;
  /** Whoever has not ended so long after the start is given up. */
  readonly timeoutMs: number;
}
