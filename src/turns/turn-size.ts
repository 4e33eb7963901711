/** How much of the memory a turn takes while it runs: its events, and what is kept of upstream events that made none. Pure. */
import { AppError } from '../errors.ts';
import type { JsonObject } from '../types/json.ts';
import type { ProgressBody } from '../types/turn-event.ts';
import { findText } from './fields.ts';

/** What an event takes beside its text. */
const EVENT_BYTES = 64;
/** Upstream events that are remembered until a later one, though nobody is told of them. */
const REMEMBERED: ReadonlySet<string> = new Set([
  'response.output_item.added',
  'response.output_text.annotation.added',
  'response.output_text_annotation.added',
]);

function toBodySize(body: ProgressBody): number {
  if (body.type === 'token') return Buffer.byteLength(body.token);
  return Buffer.byteLength(body.type === 'reasoning' ? body.delta : JSON.stringify(body));
}

/** Bytes that one upstream event adds to its turn. What it repeats of a text is not counted again. */
export function toAddedSize(event: JsonObject, bodies: readonly ProgressBody[]): number {
  if (bodies.length === 0) {
    return REMEMBERED.has(findText(event, 'type') ?? '') ? Buffer.byteLength(JSON.stringify(event)) : 0;
  }
  return bodies.reduce((size, body) => size + EVENT_BYTES + toBodySize(body), 0);
}

/** Throws BACKEND_PROTOCOL when the turn has grown beyond the limit. */
export function requireBounded(size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new AppError('BACKEND_PROTOCOL', 'The backend wrote more than a turn may hold', {
    details: { explanation: `A turn may hold ${maxBytes} bytes (turns.maxTurnBytes)` },
  });
}
