/** What the fake backend can be told to answer, as plain values; fake-backend-play.ts carries them out. */
import type { JsonObject, JsonValue } from '../../src/types/json.ts';

/** Ways to write the same events down; all of them mean the same. */
export const FRAMINGS = [
  'lf',
  'crlf',
  'cr',
  'comments',
  'bom',
  'multi-line',
  'pieces',
  'data-only',
  'no-final-blank',
  'done',
] as const;
export type Framing = (typeof FRAMINGS)[number];

/** An event, or a text that is sent as the data of one, whatever it is. */
export type ScriptEvent = JsonValue;

export interface StreamScript {
  readonly kind: 'stream';
  readonly events: readonly ScriptEvent[];
  readonly framing?: Framing;
  /** Steady pace; absent: as fast as the socket takes them. */
  readonly eventsPerSecond?: number;
  /** Pause before each event, by its index. */
  readonly delayMs?: (index: number) => number;
  /** Before the event of that index (the number of events: before the end) the stream waits for the gate. */
  readonly holds?: Readonly<Record<number, Gate>>;
  /** After that many events: a clean end, a reset connection, or silence for ever. Absent: all events, a clean end. */
  readonly breaks?: { readonly after: number; readonly how: 'cut' | 'reset' | 'stall' };
  readonly headers?: Readonly<Record<string, string>>;
}

export interface StatusScript {
  readonly kind: 'status';
  readonly status: number;
  /** Objects are sent as JSON, texts as they are with the content type that the headers name. */
  readonly body: string | JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The connection without any answer: kept open in silence, or reset. */
export interface NoAnswerScript {
  readonly kind: 'silence' | 'reset';
}

export type Script = StreamScript | StatusScript | NoAnswerScript;

/** A test's way to hold a stream at a place until it has looked around. */
export interface Gate {
  readonly released: Promise<void>;
  release(): void;
}

export function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { released: promise, release: resolve };
}

export function stream(
  events: readonly ScriptEvent[],
  options: Omit<StreamScript, 'kind' | 'events'> = {},
): StreamScript {
  return { kind: 'stream', events, ...options };
}

export function status(
  code: number,
  body: string | JsonObject = '',
  headers: Readonly<Record<string, string>> = {},
): StatusScript {
  return { kind: 'status', status: code, body, headers };
}

export interface TextResponseOptions {
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  /** The text in the pieces in which it is sent; absent: word by word. */
  readonly pieces?: readonly string[];
  readonly model?: string;
}

/** The events of a response that is one message of text, as OpenAI sends them. */
export function textResponse(text: string, options: TextResponseOptions = {}): readonly JsonObject[] {
  const { usage = { inputTokens: 10, outputTokens: 20 }, model = 'fake-model' } = options;
  const pieces = options.pieces ?? text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
  const part = { type: 'output_text', text, annotations: [] };
  const item = { id: 'msg_1', type: 'message', role: 'assistant' };
  const response = { id: 'resp_1', object: 'response', created_at: 1_750_000_000, model, error: null };
  const running = { ...response, status: 'in_progress', output: [], usage: null };
  const done = { ...item, status: 'completed', content: [part] };
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const { inputTokens, outputTokens } = usage;
  const events: readonly JsonObject[] = [
    { type: 'response.created', response: running },
    { type: 'response.in_progress', response: running },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...item, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...pieces.map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text },
    { type: 'response.content_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item: done },
    {
      type: 'response.completed',
      response: {
        ...response,
        status: 'completed',
        output: [done],
        usage: {
          input_tokens: inputTokens,
          output_tokens: outputTokens,
          total_tokens: inputTokens + outputTokens,
        },
      },
    },
  ];
  return events.map((event, index) => ({ ...event, sequence_number: index }));
}
