/** How a turn ended, and what its terminal event and its row then say. Pure. */
import { type AppError, ERROR_CODES, MAX_RETRY_AFTER_MS } from '../errors.ts';
import type { FinishReason, TurnStop } from '../types/turn.ts';
import type { ErrorBody, TerminalBody } from '../types/turn-event.ts';
import type { EndedTurn } from './store.ts';
import type { TurnSummary } from './translate.ts';

export type Ending =
  | { readonly kind: 'finished'; readonly finishReason: FinishReason; readonly truncated: boolean }
  | { readonly kind: 'failed'; readonly error: ErrorBody['error'] }
  | ({ readonly kind: 'interrupted' } & TurnStop);

/** The failure as clients see it. `requestId` is what the log carries too. */
export function toTurnFailure(error: AppError, requestId: string): ErrorBody['error'] {
  const { explanation, retryAfterMs, resetAt } = error.details;
  return {
    code: error.code,
    message: error.message,
    cause: explanation ?? null,
    retryable: ERROR_CODES[error.code].retryable,
    retryAfterMs: retryAfterMs === undefined ? null : Math.min(retryAfterMs, MAX_RETRY_AFTER_MS),
    resetAt: resetAt?.toISOString() ?? null,
    requestId,
  };
}

export function toTerminalBody(ending: Ending, summary: TurnSummary): TerminalBody {
  const { usage, answer } = summary;
  switch (ending.kind) {
    case 'finished':
      return {
        type: 'end',
        referencedDocuments: summary.referencedDocuments,
        ragChunkCount: summary.chunks.length,
        truncated: ending.truncated,
        finishReason: ending.finishReason,
        usage,
      };
    case 'failed':
      return { type: 'error', error: ending.error, usage };
    case 'interrupted':
      return { type: 'interrupted', reason: ending.reason, answer, usage };
    default:
      return ending satisfies never;
  }
}

export const STATUS = { finished: 'COMPLETED', failed: 'FAILED', interrupted: 'INTERRUPTED' } as const;

export function toEndedTurn(ending: Ending, summary: TurnSummary, lastSeq: number): EndedTurn {
  return {
    status: STATUS[ending.kind],
    answer: summary.answer,
    finishReason: ending.kind === 'finished' ? ending.finishReason : null,
    stop: ending.kind === 'interrupted' ? { reason: ending.reason, actor: ending.actor } : null,
    error: ending.kind === 'failed' ? ending.error : null,
    truncated: ending.kind === 'finished' && ending.truncated,
    usage: summary.usage,
    lastSeq,
    documents: summary.referencedDocuments,
    chunks: summary.chunks,
    toolCalls: summary.toolCalls,
    toolResults: summary.toolResults,
  };
}
