/** The events of a turn as GraphQL clients receive them, and back to the bodies that the engine made. */
import { isJsonObject, type JsonObject } from '../../src/types/json.ts';
import type { TurnEventBody } from '../../src/types/turn-event.ts';
import type { Payload } from './clients.ts';

/** An event with every field that test/support/every-field.graphql selects. */
export type FollowedEvent = JsonObject & {
  readonly __typename: string;
  readonly cursor: string;
  readonly turnId: string;
  readonly fromSeq: number;
  readonly seq: number;
};

/** The one event of a payload. Throws when it carries anything else. */
export function toFollowedEvent(payload: Payload | undefined): FollowedEvent {
  const events = Object.values(payload?.data ?? {});
  const [event] = events;
  if (payload?.errors === undefined && events.length === 1 && isJsonObject(event)) {
    return event as FollowedEvent;
  }
  throw new Error(`Not an event: ${JSON.stringify(payload)}`);
}

export function toFollowedEvents(payloads: readonly Payload[]): readonly FollowedEvent[] {
  return payloads.map(toFollowedEvent);
}

const TYPES: Readonly<Record<string, TurnEventBody['type']>> = {
  StartEvent: 'start',
  TokenEvent: 'token',
  ReasoningEvent: 'reasoning',
  ToolCallEvent: 'tool_call',
  ToolResultEvent: 'tool_result',
  WarningEvent: 'warning',
  TurnCompleteEvent: 'turn_complete',
  EndEvent: 'end',
  ErrorEvent: 'error',
  InterruptedEvent: 'interrupted',
};

/** The event without its place in the turn. Throws for one that no turn's log holds. */
export function toBody(event: FollowedEvent): TurnEventBody {
  const { __typename, cursor, turnId, fromSeq, seq, at, plainText, turn, availableQuotas, ...fields } = event;
  const type = TYPES[__typename];
  if (type === undefined) throw new Error(`${__typename} is not logged`);
  if (type !== 'error') return { type, ...fields } as unknown as TurnEventBody;
  const { usage, ...error } = fields;
  return { type, error, usage } as unknown as TurnEventBody;
}

/** The event without what is different when the same thing is asked again. */
export function toRepeatable(event: FollowedEvent): TurnEventBody {
  const { conversationId, requestId, ...fields } = event;
  return toBody(fields as FollowedEvent);
}

/** Sentences that name every place where events were left out, repeated or changed places; they must begin with the first. */
export function findGaps(events: readonly FollowedEvent[]): readonly string[] {
  return events.flatMap(({ fromSeq, seq }, index) => {
    const before = events[index - 1]?.seq ?? 0;
    return fromSeq === before + 1 && seq >= fromSeq ? [] : [`${fromSeq} to ${seq} came after ${before}`];
  });
}

/** What the events say, however their deltas were merged on the way: each run of deltas of one kind as one, without its time. */
export function foldDeltas(events: readonly FollowedEvent[]): readonly FollowedEvent[] {
  const folded: FollowedEvent[] = [];
  for (const event of events) {
    const key = event.__typename === 'TokenEvent' ? 'token' : 'delta';
    const before = folded.at(-1);
    const isMore = typeof event[key] === 'string' && before?.__typename === event.__typename;
    if (!isMore) folded.push({ ...event, at: null });
    else {
      const plainText = `${before.plainText}${event.plainText}`;
      const { seq, cursor } = event;
      folded[folded.length - 1] = { ...before, [key]: `${before[key]}${event[key]}`, plainText, seq, cursor };
    }
  }
  return folded;
}
