/** The union of everything that can happen in a turn. How events arrive lives in streaming-query.ts. */
import type { Parts } from './parts.ts';
import { declareNotices, declareProgress, declareToolEvents } from './progress-events.ts';
import { declareEnd, declareError, declareInterrupted } from './terminal-events.ts';
import { declareTurnEvent, MEMBERS } from './turn-event.ts';

export type StreamEventRef = ReturnType<typeof declareStreamEvent>;

/** The union StreamEvent, made from what the followers of a turn receive. */
export function declareStreamEvent(parts: Parts) {
  const turnEvent = declareTurnEvent(parts.builder);
  return parts.builder.unionType('StreamEvent', {
    description:
      'Something that happened in a turn. Ignore members that you do not know; what all of them have can be ' +
      'selected by `... on TurnEvent`.',
    types: [
      ...declareProgress(parts, turnEvent),
      ...declareToolEvents(parts, turnEvent),
      ...declareNotices(parts, turnEvent),
      declareEnd(parts, turnEvent),
      declareError(parts, turnEvent),
      declareInterrupted(parts, turnEvent),
    ],
    resolveType: (event) => MEMBERS[event.type],
  });
}
