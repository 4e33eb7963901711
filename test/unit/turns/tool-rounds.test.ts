import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/types/json.ts';
import {
  argumentsDone,
  completed,
  created,
  fileSearch,
  functionCall,
  itemAdded,
  itemDone,
  mcpCall,
  openText,
  twoToolRounds,
} from '../../support/streams.ts';
import { translateAll, translateTurn } from '../../support/translated.ts';

const toolBodies = (events: readonly JsonObject[]): readonly object[] =>
  translateTurn(events).bodies.filter((body) => body.type === 'tool_call' || body.type === 'tool_result');

describe('a call is told once', () => {
  const open: JsonObject = { ...functionCall, arguments: '' };
  const call = { type: 'tool_call', toolCallId: 'call_1', args: { day: 3 } };

  it.each<[string, readonly JsonObject[]]>([
    ['its item ends', [itemAdded(open), argumentsDone('fc_1', '{"day":3}'), itemDone(functionCall)]],
    ['its item ends twice', [itemDone(functionCall), itemDone(functionCall)]],
    [
      'its arguments end twice',
      [itemAdded(open), argumentsDone('fc_1', '{"day":3}'), argumentsDone('fc_1', '{"day":9}')],
    ],
    [
      'its item ends under another id',
      [itemAdded(open), argumentsDone('fc_1', '{"day":3}'), itemDone({ ...functionCall, id: 'other' })],
    ],
    [
      'its item ends without arguments',
      [itemAdded(open), argumentsDone('fc_1', '{"day":3}'), itemDone(open)],
    ],
    ['the response repeats it', [itemDone(functionCall), completed([functionCall])]],
  ])('though %s', (_, events) => {
    expect(toolBodies(events)).toMatchObject([call]);
  });

  it('as soon as its arguments are complete', () => {
    const events = [created, itemAdded(open), argumentsDone('fc_1', '{"day":3}')];
    expect(translateAll(events).bodies).toMatchObject([call]);
  });

  it.each(['mcp_call_arguments', 'mcp_call.arguments'])('before its result: %s', (spelling) => {
    const added = itemAdded({ ...mcpCall, arguments: '', output: null });
    const early = translateAll([added, argumentsDone('mcp_1', '{"port":"Lerwick"}', spelling)]);
    expect(early.bodies).toMatchObject([
      { type: 'tool_call', args: { port: 'Lerwick', server_label: 'harbour' } },
    ]);
    expect(translateAll([itemDone(mcpCall)], early.state).bodies).toMatchObject([{ type: 'tool_result' }]);
  });

  it.each<[string, readonly JsonObject[]]>([
    ['its item is not known yet', [argumentsDone('fc_1', '{"day":3}')]],
    ['its item has no name', [itemAdded({ ...open, name: '' }), argumentsDone('fc_1', '{"day":3}')]],
    [
      'its item is another kind of tool',
      [itemAdded({ ...fileSearch(null), id: 'fc_1' }), argumentsDone('fc_1', '{}')],
    ],
    ['the arguments are missing', [itemAdded(open), { ...argumentsDone('fc_1', ''), arguments: null }]],
  ])('at the end of its item, when %s', (_, events) => {
    expect(translateAll(events).bodies).toEqual([]);
  });

  it('each, when two calls share a call_id', () => {
    const second = { ...functionCall, id: 'fc_2' };
    const added = [itemAdded(functionCall, 0), itemAdded(second, 1)];
    expect(toolBodies([...added, itemDone(second, 1), itemDone(functionCall, 0)])).toHaveLength(2);
  });
});

describe('rounds', () => {
  const roundsOf = (events: readonly JsonObject[]): readonly number[] =>
    translateTurn(events).summary.toolResults.map((result) => result.round);

  it('count from 1, and a call after a word of the answer begins another', () => {
    expect(roundsOf(twoToolRounds)).toEqual([1, 2]);
  });

  it('go on through tools, and parts that are still empty', () => {
    expect(roundsOf([itemDone(mcpCall), openText(), itemDone({ ...mcpCall, id: 'mcp_2' }, 1)])).toEqual([
      1, 1,
    ]);
  });
});

it('message and reasoning items are no tools, and neither is an item without a type', () => {
  const items: readonly JsonObject[] = [
    { id: 'r', type: 'reasoning', summary: [] },
    { id: 'm', type: 'message' },
    {},
  ];
  expect(toolBodies(items.map((item) => itemDone(item)))).toEqual([]);
  expect(translateTurn([{ type: 'response.output_item.done' }]).bodies).toEqual([]);
});
