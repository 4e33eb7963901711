/** The events of a Responses API stream as bytes on the wire, as large as a real one's. */

const RESPONSE = {
  id: 'resp_bench',
  object: 'response',
  created_at: 1_750_000_000,
  model: 'bench',
  error: null,
};
const ITEM = { id: 'msg_68acbe2a55b08191a5d3c1f0b2a4e9d7', type: 'message', role: 'assistant' };
const PLACE = { item_id: ITEM.id, output_index: 0, content_index: 0 };
const RUNNING = { ...RESPONSE, status: 'in_progress', output: [], usage: null };

/** Events before the first token. */
export function toOpening(): string {
  const part = { type: 'output_text', text: '', annotations: [] };
  return [
    { type: 'response.created', response: RUNNING },
    { type: 'response.in_progress', response: RUNNING },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...ITEM, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...PLACE, part },
  ]
    .map((event, index) => toFrame({ ...event, sequence_number: index }))
    .join('');
}

/** The event of the token with that index. */
export function toDelta(index: number, delta: string): string {
  const type = 'response.output_text.delta';
  return toFrame({ type, sequence_number: 4 + index, ...PLACE, delta, logprobs: [] });
}

/** Events after the last token; they repeat the whole text, as a real backend's do. */
export function toClosing(tokens: number, text: string): string {
  const part = { type: 'output_text', text, annotations: [] };
  const item = { ...ITEM, status: 'completed', content: [part] };
  const usage = { input_tokens: 10, output_tokens: tokens, total_tokens: tokens + 10 };
  return [
    { type: 'response.output_text.done', ...PLACE, text },
    { type: 'response.content_part.done', ...PLACE, part },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { ...RESPONSE, status: 'completed', output: [item], usage } },
  ]
    .map((event, index) => toFrame({ ...event, sequence_number: 4 + tokens + index }))
    .join('');
}

interface Event {
  readonly [key: string]: unknown;
  readonly type: string;
}

function toFrame(event: Event): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
