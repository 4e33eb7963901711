/** Which events end a response. */
import type { UpstreamEvent } from './backend.ts';

const LAST: ReadonlySet<unknown> = new Set([
  'response.completed',
  'response.failed',
  'response.incomplete',
  'response.cancelled',
  'error',
]);

/** Without a type it is llama-stack's frame of an error. */
export function isLast({ type }: UpstreamEvent): boolean {
  return LAST.has(type) || type === undefined;
}
