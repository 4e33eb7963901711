/** An image as the Responses API and the moderations take it: whole, in its address (RFC 2397). */
import type { ImagePart } from './backend.ts';

export function toDataUrl({ mediaType, base64 }: ImagePart): string {
  return `data:${mediaType};base64,${base64}`;
}
