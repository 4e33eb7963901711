/** The events of an ended turn whose log is deleted, made anew from what is stored of it. Pure. */
import type { ReferencedDocument } from '../types/document.ts';
import type { Turn } from '../types/turn.ts';
import type { EventPosition, LoggedEvent, TerminalBody } from '../types/turn-event.ts';

function toTerminal(turn: Turn, referencedDocuments: readonly ReferencedDocument[]): TerminalBody {
  const { usage, answer, truncated, ragChunkCount } = turn;
  if (turn.error) {
    const error = { ...turn.error, resetAt: turn.error.resetAt?.toISOString() ?? null };
    return { type: 'error', error, usage };
  }
  if (turn.interruptReason) return { type: 'interrupted', reason: turn.interruptReason, answer, usage };
  const finishReason = turn.finishReason ?? 'OTHER';
  return { type: 'end', referencedDocuments, ragChunkCount, truncated, finishReason, usage };
}

/**
 * Start, the whole answer where there is one, and the terminal event; together they span all of the turn's positions.
 * For a reader that has seen events up to `afterSeq`, the terminal event alone spans the rest.
 */
export function toStoredEvents(
  turn: Turn,
  documents: readonly ReferencedDocument[],
  afterSeq: number,
): readonly LoggedEvent[] {
  const at = (fromSeq: number, seq: number, moment: Date): EventPosition => ({
    turnId: turn.id,
    epoch: turn.fence,
    fromSeq,
    seq,
    at: moment.getTime(),
  });
  const { conversationId, provider, model, lastSeq } = turn;
  const endedAt = turn.completedAt ?? turn.startedAt;
  const start: LoggedEvent = { type: 'start', conversationId, provider, model, ...at(1, 1, turn.startedAt) };
  const terminal = toTerminal(turn, documents);
  if (afterSeq > 0) return [{ ...terminal, ...at(afterSeq + 1, lastSeq, endedAt) }];
  if (terminal.type !== 'end') return [start, { ...terminal, ...at(2, lastSeq, endedAt) }];
  const complete: LoggedEvent = {
    type: 'turn_complete',
    answer: turn.answer,
    ...at(2, lastSeq - 1, endedAt),
  };
  return [start, complete, { ...terminal, ...at(lastSeq, lastSeq, endedAt) }];
}
