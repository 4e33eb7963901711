/** One event of every kind, as a follower receives them. */
import type { ResetBody, TurnEvent, TurnEventBody } from '../../src/types/turn-event.ts';
import { CONVERSATION_ID, TURN_ID } from './graphql.ts';

const usage = { inputTokens: 12, outputTokens: 34, source: 'REPORTED' } as const;

/** The event at a place; `at` is the first second of 2026 and as many milliseconds as the place. */
export function toEvent<Body extends TurnEventBody | ResetBody>(
  seq: number,
  body: Body,
): TurnEvent & { readonly type: Body['type'] } {
  const position = { turnId: TURN_ID, epoch: 1, fromSeq: seq, seq, at: Date.UTC(2026, 0) + seq };
  return { ...body, ...position } as unknown as TurnEvent & { readonly type: Body['type'] };
}

export const toTokens = (tokens: readonly string[], firstSeq = 1): readonly TurnEvent[] =>
  tokens.map((token, chunkId) => toEvent(firstSeq + chunkId, { type: 'token', chunkId, token }));

const BODIES: { readonly [Type in TurnEvent['type']]: Extract<TurnEventBody | ResetBody, { type: Type }> } = {
  start: { type: 'start', conversationId: CONVERSATION_ID, provider: 'local', model: 'extractive' },
  token: { type: 'token', chunkId: 0, token: 'Blue' },
  reasoning: { type: 'reasoning', delta: 'Rayleigh' },
  tool_call: {
    type: 'tool_call',
    toolCallId: 'c1',
    name: 'search',
    args: { q: 'sky' },
    kind: 'FUNCTION_CALL',
  },
  tool_result: {
    type: 'tool_result',
    toolCallId: 'c1',
    status: 'SUCCESS',
    rawStatus: 'success',
    content: 'Light',
    kind: 'FUNCTION_CALL',
    round: 1,
  },
  warning: { type: 'warning', warning: 'HISTORY_TRUNCATED', message: 'Two turns were left out' },
  reset: { type: 'reset', discardAfterSeq: 3 },
  turn_complete: { type: 'turn_complete', answer: 'Blue.' },
  end: {
    type: 'end',
    referencedDocuments: [{ title: 'Optics', url: 'https://example.org/optics' }],
    ragChunkCount: 2,
    truncated: false,
    finishReason: 'STOP',
    usage,
  },
  error: {
    type: 'error',
    error: {
      code: 'QUOTA_EXCEEDED',
      message: 'The quota has been exceeded',
      cause: 'User ada has no available tokens',
      retryable: false,
      retryAfterMs: null,
      resetAt: '2026-02-01T00:00:00.000Z',
      requestId: 'r1',
    },
    usage,
  },
  interrupted: { type: 'interrupted', reason: 'CANCELLED', answer: 'Bl', usage },
};

/** In the order of the table above; the last three could not follow each other in one turn. */
export const EVERY_EVENT: readonly TurnEvent[] = Object.values(BODIES).map((body, index) =>
  toEvent(index + 1, body),
);
