/** Events for tests, with the positions that a log would give them. */
import type { LoggedEvent, TurnEventBody } from '../../src/types/turn-event.ts';

export const TURN_ID = '0197a000-0000-7000-8000-000000000001';

export interface EventFacts {
  readonly turnId?: string;
  readonly epoch?: number;
}

export function toEvent(
  body: TurnEventBody,
  seq: number,
  { turnId = TURN_ID, epoch = 1 }: EventFacts = {},
): LoggedEvent {
  return { ...body, turnId, epoch, fromSeq: seq, seq, at: 1_700_000_000_000 + seq };
}

/** Start (seq 1) and then one token for each text. */
export function toTokenEvents(texts: readonly string[], facts: EventFacts = {}): readonly LoggedEvent[] {
  const start: TurnEventBody = { type: 'start', conversationId: 'c', provider: 'p', model: 'm' };
  const tokens = texts.map((token, chunkId): TurnEventBody => ({ type: 'token', chunkId, token }));
  return [start, ...tokens].map((body, index) => toEvent(body, index + 1, facts));
}
