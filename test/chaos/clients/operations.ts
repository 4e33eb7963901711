/** What the clients of the harness send: asking, following, cancelling; and what they read out of the answers. */

import type { SeenEvent } from '../check/types.ts';
import { type Plan, toQuestion } from '../question.ts';

export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A result of GraphQL over any transport. */
export interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly retryable?: boolean };
  }[];
}

const EVENT = `{
  __typename
  ... on TurnEvent { cursor turnId fromSeq seq }
  ... on TokenEvent { token }
  ... on TurnCompleteEvent { answer }
  ... on ResetEvent { discardAfterSeq }
  ... on InterruptedEvent { reason answer }
  ... on ErrorEvent { code }
  ... on EndEvent { turn { status answer } }
}`;

const ASK = `subscription Ask($input: StreamingQueryInput!) { event: streamingQuery(input: $input) ${EVENT} }`;
const FOLLOW = `subscription Follow($turnId: ID!, $after: Cursor) {
  event: turnEvents(turnId: $turnId, after: $after) ${EVENT}
}`;
const CANCEL = `mutation Cancel($turnId: ID!) { cancelTurn(input: { turnId: $turnId }) { turn { status } } }`;

/** Without a clientTurnId where `keyed` is false, as a page that knows nothing of such things. */
export function toAsk(plan: Plan, keyed: boolean, after: string | null): Operation {
  const input = {
    query: toQuestion(plan),
    generateTopicSummary: false,
    ...(keyed && { clientTurnId: plan.key }),
    ...(keyed && after !== null && { after }),
  };
  return { query: ASK, variables: { input } };
}

export function toFollow(turnId: string, after: string | null): Operation {
  return { query: FOLLOW, variables: { turnId, ...(after !== null && { after }) } };
}

export function toCancel(turnId: string): Operation {
  return { query: CANCEL, variables: { turnId } };
}

/** Undefined when the result is an error. */
export function readEvent({ data }: Result): SeenEvent | undefined {
  return (data?.event ?? undefined) as SeenEvent | undefined;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** Undefined when the result is none. */
export function readRefusal({ errors }: Result): Refusal | undefined {
  const [error] = errors ?? [];
  if (error === undefined) return undefined;
  const { code = 'UNKNOWN', retryable = false } = error.extensions ?? {};
  return { code, message: error.message, retryable };
}
