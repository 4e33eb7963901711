/** Hand-written upstream streams: small ones that show a rule, and the pieces to build others from. */
import type { JsonObject, JsonValue } from '../../src/types/json.ts';

export interface PartAt {
  readonly output?: number;
  readonly content?: number;
}

function place({ output = 0, content = 0 }: PartAt): JsonObject {
  return { item_id: `msg_${output}`, output_index: output, content_index: content };
}

export const created: JsonObject = {
  type: 'response.created',
  response: { id: 'resp_1', status: 'in_progress', output: [] },
};

export function openText(at: PartAt = {}): JsonObject {
  return { type: 'response.content_part.added', ...place(at), part: { type: 'output_text', text: '' } };
}

export function openRefusal(at: PartAt = {}): JsonObject {
  return { type: 'response.content_part.added', ...place(at), part: { type: 'refusal', refusal: '' } };
}

export function delta(text: string, at: PartAt = {}): JsonObject {
  return { type: 'response.output_text.delta', ...place(at), delta: text };
}

export function refusalDelta(text: string, at: PartAt = {}): JsonObject {
  return { type: 'response.refusal.delta', ...place(at), delta: text };
}

export function textDone(text: string, at: PartAt = {}): JsonObject {
  return { type: 'response.output_text.done', ...place(at), text };
}

export function itemAdded(item: JsonObject, outputIndex = 0): JsonObject {
  return { type: 'response.output_item.added', output_index: outputIndex, item };
}

export function itemDone(item: JsonObject, outputIndex = 0): JsonObject {
  return { type: 'response.output_item.done', output_index: outputIndex, item };
}

export function argumentsDone(
  itemId: string,
  text: string,
  spelling = 'function_call_arguments',
): JsonObject {
  return { type: `response.${spelling}.done`, item_id: itemId, output_index: 0, arguments: text };
}

/** A message item whose parts are texts, in order. */
export function message(...texts: readonly string[]): JsonObject {
  const content = texts.map((text) => ({ type: 'output_text', text, annotations: [] }));
  return { id: 'msg_0', type: 'message', role: 'assistant', status: 'completed', content };
}

export function annotated(text: string, annotations: readonly JsonObject[]): JsonObject {
  return { ...message(), content: [{ type: 'output_text', text, annotations }] };
}

export function completed(output: readonly JsonObject[], usage: JsonValue = USAGE): JsonObject {
  return { type: 'response.completed', response: { id: 'resp_1', status: 'completed', output, usage } };
}

export function incomplete(reason: string | null, output: readonly JsonObject[] = []): JsonObject {
  const response = { status: 'incomplete', incomplete_details: reason === null ? null : { reason }, output };
  return { type: 'response.incomplete', response: { id: 'resp_1', ...response, usage: USAGE } };
}

export function failed(code: string, text: string): JsonObject {
  const response = { id: 'resp_1', status: 'failed', error: { code, message: text }, output: [] };
  return { type: 'response.failed', response };
}

export const USAGE = { input_tokens: 12, output_tokens: 5, total_tokens: 17 } as const;

export function fileSearch(results: JsonValue): JsonObject {
  return { id: 'fs_1', type: 'file_search_call', status: 'completed', queries: ['tides'], results };
}

export const functionCall: JsonObject = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'call_1',
  name: 'moon_phase',
  arguments: '{"day":3}',
  status: 'completed',
};

export const mcpCall: JsonObject = {
  id: 'mcp_1',
  type: 'mcp_call',
  name: 'tide_table',
  server_label: 'harbour',
  arguments: '{"port":"Lerwick"}',
  output: 'high at 04:10',
  error: null,
};

/** A question that is answered in one text. */
export const plainAnswer: readonly JsonObject[] = [
  created,
  openText(),
  delta('The tide '),
  delta('is out.'),
  textDone('The tide is out.'),
  completed([message('The tide is out.')]),
];

/** Tools, a word in between, tools again, and the answer. */
export const twoToolRounds: readonly JsonObject[] = [
  created,
  itemDone(mcpCall, 0),
  delta('One moment.', { output: 1 }),
  itemDone({ ...mcpCall, id: 'mcp_2' }, 2),
  delta('High tide is at 04:10.', { output: 3 }),
  completed([message('One moment.'), message('High tide is at 04:10.')]),
];

/** A text that was begun and then refused. */
export const textThenRefusal: readonly JsonObject[] = [
  created,
  openText(),
  delta('First'),
  openRefusal({ content: 1 }),
  refusalDelta('I must ', { content: 1 }),
  refusalDelta('stop.', { content: 1 }),
  completed([
    {
      ...message(),
      content: [
        { type: 'output_text', text: 'First' },
        { type: 'refusal', refusal: 'I must stop.' },
      ],
    },
  ]),
];
