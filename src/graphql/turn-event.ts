/** What the events of a turn share as GraphQL types: the interface TurnEvent and the names of its members. */
import { toCursor, toCursorPrefix } from '../lib/cursor.ts';
import type { Turn } from '../types/turn.ts';
import type { TurnEvent } from '../types/turn-event.ts';
import type { Builder } from './builder.ts';
import type { GraphQLContext } from './context.ts';
import { toPlainText } from './plain-text.ts';

type EventType = TurnEvent['type'];
type EventOf<Type extends EventType> = Extract<TurnEvent, { readonly type: Type }>;

/** The union's member of every event. */
export const MEMBERS = {
  start: 'StartEvent',
  token: 'TokenEvent',
  reasoning: 'ReasoningEvent',
  tool_call: 'ToolCallEvent',
  tool_result: 'ToolResultEvent',
  warning: 'WarningEvent',
  reset: 'ResetEvent',
  turn_complete: 'TurnCompleteEvent',
  end: 'EndEvent',
  error: 'ErrorEvent',
  interrupted: 'InterruptedEvent',
} as const satisfies Record<EventType, string>;

export type TurnEventRef = ReturnType<typeof declareTurnEvent>;

export function declareTurnEvent(builder: Builder) {
  const cursorOf = createCursorOf();
  return builder.interfaceRef<TurnEvent>('TurnEvent').implement({
    description: 'What every event of a turn has.',
    fields: (t) => ({
      cursor: t.field({
        type: 'Cursor',
        description:
          'Hand it back as `after` to receive what comes behind this event, on any connection and node.',
        resolve: cursorOf,
      }),
      turnId: t.exposeID('turnId', { description: 'The turn.' }),
      fromSeq: t.exposeInt('fromSeq', {
        description:
          'Sequence number of the first event in it; less than `seq` only where deltas were merged.',
      }),
      seq: t.exposeInt('seq', {
        description: 'Sequence number in the turn, from 1. The next event has a `fromSeq` of one more.',
      }),
      at: t.field({
        type: 'DateTime',
        description: 'When it happened, by the clock of the server that ran the turn.',
        resolve: ({ at }) => new Date(at),
      }),
      plainText: t.string({
        description:
          'Its part of the turn as plain text, often empty: tokens as they are, a line per tool call and result, and ' +
          'at the end a rule and a line "title: url" per referenced document.',
        resolve: toPlainText,
      }),
    }),
  });
}

/** Neighbouring events are mostly of one turn, so the part of the cursor that stays the same is kept. */
function createCursorOf(): (event: TurnEvent) => string {
  let known = { turnId: '', prefix: '' };
  return ({ turnId, epoch, seq }) => {
    if (known.turnId !== turnId) known = { turnId, prefix: toCursorPrefix(turnId) };
    return toCursor(known.prefix, epoch, seq);
  };
}

/** The object type of an event, for its file to implement. */
export const toMemberRef = <Type extends EventType>(builder: Builder, type: Type) =>
  builder.objectRef<EventOf<Type>>(MEMBERS[type]);

/** The `turn` of an event, read when it is selected. */
export const getTurn = (
  { turnId }: TurnEvent,
  _args: object,
  { services, viewer }: GraphQLContext,
): Promise<Turn> => services.engine.getOfEvent(viewer, turnId);
