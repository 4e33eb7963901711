/** Reads the body of an HTTP request, within bounds. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../errors.ts';

export const MAX_BODY_BYTES = 1024 * 1024;

const JSON_CONTENT = /^application\/(graphql\+)?json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

/**
 * Throws UNSUPPORTED_MEDIA_TYPE unless the body is said to be plain UTF-8 JSON. Forms and text are among what is
 * refused: those a browser would send across origins without asking.
 */
export function requireJsonContent(req: IncomingMessage): void {
  const type = req.headers['content-type'];
  if (type === undefined || !JSON_CONTENT.test(type)) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'The content type must be application/json in UTF-8');
  }
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Compressed request bodies are not supported');
  }
}

/**
 * The body as text. Throws PAYLOAD_TOO_LARGE as soon as the limit is passed, whatever Content-Length said, and
 * BAD_REQUEST when it is not UTF-8. Undefined when the client left before the end.
 */
export async function readBody(req: IncomingMessage): Promise<string | undefined> {
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  const isWhole = await new Promise<boolean>((resolve, reject) => {
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) reject(tooLarge());
      else chunks.push(chunk);
    });
    req.on('end', () => resolve(true));
    req.on('close', () => resolve(false));
    req.on('error', () => resolve(false));
  });
  return isWhole ? decode(Buffer.concat(chunks)) : undefined;
}

function tooLarge(): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', `The request body is larger than ${MAX_BODY_BYTES} bytes`);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('BAD_REQUEST', 'The request body is not UTF-8', { cause });
  }
}
