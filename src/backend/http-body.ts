/** Reading the bodies of answers that are not streams: whole, but never more than a bound. */
import { Buffer } from 'node:buffer';
import { isJsonObject, type JsonObject } from '../types/json.ts';

/** Error bodies are short; what comes after this many bytes is not read. */
const MAX_ERROR_BODY = 64 * 1024;

/** The first `limit` bytes as text; the rest is refused and its connection closed. Rejects when the body breaks off. */
export async function readText(response: Response, limit: number = MAX_ERROR_BODY): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= limit) break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, limit));
}

/** Undefined when the text is not a JSON object. */
export function parseJsonBody(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
