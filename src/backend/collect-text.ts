/** The text of a whole response, for calls whose answer nobody watches. Events for viewers are translated elsewhere. */
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { toStorable } from '../lib/text.ts';
import { NO_USAGE, type TurnUsage } from '../types/usage.ts';
import type { UpstreamEvent } from './backend.ts';
import { tellsFailure, toUpstreamFailure } from './failures.ts';

export interface CollectedText {
  /** All text of the response, in order; empty when there is none. Refusals are no text. */
  readonly text: string;
  readonly usage: TurnUsage;
}

const ENDS: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete']);

const count = z.int().min(0).max(1_000_000_000);
const usageSchema = z.object({ input_tokens: count, output_tokens: count });
const textSchema = z.object({ type: z.enum(['output_text', 'text']), text: z.string() });
const messageSchema = z.object({ type: z.literal('message'), content: z.array(z.unknown()) });
const responseSchema = z.object({
  output: z.array(z.unknown()).catch([]),
  usage: usageSchema.optional().catch(undefined),
});

/**
 * Reads to the end of the response. Its complete text wins over the deltas.
 * Throws what the stream throws, what the backend says went wrong, and BACKEND_PROTOCOL when the response has no end.
 */
export async function collectText(batches: AsyncIterable<readonly UpstreamEvent[]>): Promise<CollectedText> {
  let streamed = '';
  for await (const batch of batches) {
    for (const event of batch) {
      if (tellsFailure(event)) throw toFailure(event);
      if (ENDS.has(event.type)) return toCollected(event, streamed);
      streamed += toDelta(event);
    }
  }
  throw new AppError('BACKEND_PROTOCOL', 'The backend broke off its response');
}

function toDelta({ type, delta }: UpstreamEvent): string {
  return type === 'response.output_text.delta' && typeof delta === 'string' ? delta : '';
}

function toCollected(event: UpstreamEvent, streamed: string): CollectedText {
  const { output, usage } = responseSchema.catch({ output: [], usage: undefined }).parse(event.response);
  const complete = output.flatMap(toTexts).join('\n\n');
  return {
    text: toStorable(complete === '' ? streamed : complete),
    usage: usage
      ? { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens, source: 'REPORTED' }
      : NO_USAGE,
  };
}

function toTexts(item: unknown): readonly string[] {
  const message = messageSchema.safeParse(item);
  const parts = message.success ? message.data.content : [];
  return parts.flatMap((part) => {
    const parsed = textSchema.safeParse(part);
    return parsed.success ? [parsed.data.text] : [];
  });
}

function toFailure(event: UpstreamEvent): AppError {
  const { code, message, explanation } = toUpstreamFailure(event);
  return new AppError(code, message, explanation === null ? {} : { details: { explanation } });
}
