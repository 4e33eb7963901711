import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startTranslation, translate } from '../../../src/turns/translate.ts';
import type { JsonObject } from '../../../src/types/json.ts';
import {
  completed,
  created,
  delta,
  fileSearch,
  itemAdded,
  message,
  openText,
} from '../../support/streams.ts';
import { joinTokens, translateAll, translateTurn } from '../../support/translated.ts';

/** Text made of what makes trouble: markers and their pieces, spaces, surrogate halves, NUL. */
const troubled = fc
  .array(
    fc.oneof(
      fc.constantFrom('<|file-1|>', ' <|file-ab_2|>', '<', '<|', '<|file-', '|>', '|', ' ', '  ', '\n'),
      fc.constantFrom('😀', '\ud83d', '\ude00', '\0', 'é', 'word', '-'),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 20 },
  )
  .map((pieces) => pieces.join(''));

/** The text as deltas, cut at the given fractions of its length: anywhere, also inside a pair or a marker. */
function split(text: string, cuts: readonly number[]): readonly string[] {
  const places = [...new Set([0, ...cuts.map((cut) => Math.floor(cut * text.length)), text.length])];
  places.sort((left, right) => left - right);
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
const searched: JsonObject = itemAdded(fileSearch(null));
const opening = fc.constantFrom<readonly JsonObject[]>([created], [created, searched]);
const EVENT_TYPES = [
  'response.created',
  'response.output_item.added',
  'response.output_item.done',
  'response.content_part.added',
  'response.content_part.done',
  'response.output_text.delta',
  'response.output_text.done',
  'response.output_text.annotation.added',
  'response.refusal.delta',
  'response.refusal.done',
  'response.reasoning_text.delta',
  'response.function_call_arguments.delta',
  'response.function_call_arguments.done',
  'response.mcp_call.arguments.done',
  'response.completed',
  'response.incomplete',
  'response.failed',
  'error',
];
const FIELDS = ['item', 'response', 'part', 'delta', 'text', 'error', 'arguments', 'item_id', 'output_index'];
const ITEM_TYPES = [
  'message',
  'function_call',
  'file_search_call',
  'mcp_call',
  'mcp_list_tools',
  'shell_call_output',
];

/** Anything that JSON.parse can return, with the names that matter more often than chance would have it. */
const anyObject = fc.dictionary(
  fc.constantFrom(
    'type',
    'id',
    'call_id',
    'content',
    'output',
    'results',
    'usage',
    'status',
    'name',
    'tools',
  ),
  fc.oneof(fc.jsonValue(), fc.constantFrom(...ITEM_TYPES), fc.array(fc.jsonValue(), { maxLength: 3 })),
);
const anyEvent = fc
  .tuple(
    fc.oneof(fc.constantFrom(...EVENT_TYPES), fc.jsonValue()),
    fc.dictionary(fc.constantFrom(...FIELDS), fc.oneof(fc.jsonValue(), anyObject)),
  )
  .map(([type, fields]) => ({ ...fields, type }) as JsonObject);

describe('laws of translation', () => {
  it('joined tokens are the answer, when the final text is what was streamed', () => {
    const parts = fc.array(fc.tuple(troubled, cuts, fc.boolean()), { maxLength: 4 });
    const law = fc.property(opening, parts, (before, texts) => {
      const streamed = texts.flatMap(([text, places, isOpened], content) => [
        ...(isOpened ? [openText({ content })] : []),
        ...split(text, places).map((piece) => delta(piece, { content })),
      ]);
      const end = completed([message(...texts.map(([text]) => text))]);
      const { bodies, summary } = translateTurn([...before, ...streamed, end]);
      expect(joinTokens(bodies)).toBe(summary.answer);
      expect(summary.answer.isWellFormed() && !summary.answer.includes('\0')).toBe(true);
    });
    fc.assert(law, { numRuns: 500 });
  });

  it('where deltas are cut changes nothing in what is told', () => {
    const law = fc.property(opening, troubled, cuts, (before, text, places) => {
      const whole = translateTurn([...before, delta(text)]);
      const pieces = translateTurn([...before, ...split(text, places).map((piece) => delta(piece))]);
      expect(joinTokens(pieces.bodies)).toBe(joinTokens(whole.bodies));
      expect(pieces.summary).toEqual(whole.summary);
    });
    fc.assert(law, { numRuns: 1_000 });
  });

  it('any JSON objects are accepted, and nothing is told after the outcome', () => {
    const law = fc.property(fc.array(anyEvent, { maxLength: 12 }), (events) => {
      let state = startTranslation();
      for (const event of events) {
        const step = translate(state, event);
        if (state.outcome) expect(step).toEqual({ state, bodies: [] });
        state = step.state;
      }
      expect(translateTurn(events).state.outcome).not.toBeNull();
    });
    fc.assert(law, { numRuns: 500 });
  });

  it('translating twice from one state gives the same: states are never changed', () => {
    const law = fc.property(fc.array(anyEvent, { maxLength: 8 }), anyEvent, (events, last) => {
      const { state } = translateAll(events);
      const before = structuredClone(state);
      const first = translate(state, last);
      expect(state).toEqual(before);
      expect(translate(state, last)).toEqual(first);
    });
    fc.assert(law, { numRuns: 200 });
  });
});
