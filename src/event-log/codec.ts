/** How a batch of events is written to and read from the log. Tokens, nearly all of the events, are kept short. */
import type { LoggedEvent, TokenBody, TurnEventBody } from '../types/turn-event.ts';

type StoredToken = readonly [at: number, chunkId: number, token: string];
type StoredEvent = StoredToken | ({ readonly at: number } & TurnEventBody);

/** Where a batch stands in its turn's log. */
export interface BatchPosition {
  readonly turnId: string;
  readonly firstSeq: number;
  readonly epoch: number;
}

function toStored(event: LoggedEvent): StoredEvent {
  if (event.type === 'token') return [event.at, event.chunkId, event.token];
  const { turnId: _turnId, seq: _seq, fromSeq: _fromSeq, epoch: _epoch, ...stored } = event;
  return stored;
}

function toBody(stored: StoredEvent): { readonly at: number; readonly body: TurnEventBody } {
  if (Array.isArray(stored)) {
    const [at, chunkId, token] = stored as StoredToken;
    const body: TokenBody = { type: 'token', chunkId, token };
    return { at, body };
  }
  const { at, ...body } = stored as { readonly at: number } & TurnEventBody;
  return { at, body: body as TurnEventBody };
}

/** JSON text of consecutive events of one epoch; their positions follow from the batch's. */
export function encodeEvents(events: readonly LoggedEvent[]): string {
  return JSON.stringify(events.map(toStored));
}

/** The inverse of {@link encodeEvents}. */
export function decodeEvents(text: string, position: BatchPosition): readonly LoggedEvent[] {
  const stored = JSON.parse(text) as readonly StoredEvent[];
  return stored.map((entry, index) => {
    const { at, body } = toBody(entry);
    const seq = position.firstSeq + index;
    return { ...body, turnId: position.turnId, epoch: position.epoch, fromSeq: seq, seq, at };
  });
}
