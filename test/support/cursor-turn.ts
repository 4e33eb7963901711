/** A turn with every kind of event that one without failures can have, for tests that cut it wherever it can be cut. */
import type { JsonObject } from '../../src/types/json.ts';
import type { Payload } from './clients.ts';
import { type FollowedEvent, toFollowedEvent } from './clients-events.ts';
import {
  annotated,
  argumentsDone,
  completed,
  created,
  delta,
  fileSearch,
  functionCall,
  itemAdded,
  itemDone,
  mcpCall,
  message,
  openText,
} from './streams.ts';
import { translateAll } from './translated.ts';

const results = [{ file_id: 'f1', filename: 'Tides', text: 'It is out.', score: 0.9, attributes: {} }];
const citation = { type: 'url_citation', url: 'https://example.org/moon', title: 'Moon' };

/** The backend's answer, with text around the tools. */
export const UPSTREAM: readonly JsonObject[] = [
  created,
  { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta: 'Tides follow' },
  { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta: ' the moon.' },
  itemDone(fileSearch(results), 1),
  itemDone(mcpCall, 2),
  itemAdded(functionCall, 3),
  argumentsDone('fc_1', '{"day":3}'),
  itemDone(functionCall, 3),
  openText({ output: 4 }),
  ...['The', ' tide', ' is', ' out.'].map((text) => delta(text, { output: 4 })),
  completed([message('The tide is out.'), annotated('', [citation])]),
];

/** The events that an asker receives while the backend stands before the upstream event of that index. */
export async function takeUntilHeld(
  asking: AsyncGenerator<Payload>,
  index: number,
): Promise<readonly FollowedEvent[]> {
  const { bodies } = translateAll(UPSTREAM.slice(0, index));
  const events: FollowedEvent[] = [];
  while ((events.at(-1)?.seq ?? 0) <= bodies.length)
    events.push(toFollowedEvent((await asking.next()).value));
  return events;
}
