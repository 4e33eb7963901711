/** Reads the body of an HTTP request, within bounds. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../errors.ts';

export const MAX_BODY_BYTES = 1024 * 1024;

const JSON_CONTENT = /^application\/(graphql\+)?json[ \t]*(;[ \t]*charset[ \t]*=[ \t]*"?utf-?8"?[ \t]*)?$/i;

/**
 * Throws UNSUPPORTED_MEDIA_TYPE unless the body is said to be plain UTF-8 JSON. Forms and text are among what is
 * refused: those a browser would send across origins without asking.
 */
export function requireJsonContent(req: IncomingMessage): void {
  const type = req.headers['content-type'];
  if (type === undefined || !JSON_CONTENT.test(type)) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'The content type must be application/json in UTF-8');
  }
  requirePlainEncoding(req);
}

/** Throws UNSUPPORTED_MEDIA_TYPE for a compressed body: what it would unpack to, nobody knows. */
export function requirePlainEncoding(req: IncomingMessage): void {
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return;
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Compressed request bodies are not supported');
}

/** The body as text. Throws what `readBytes` throws, and BAD_REQUEST when it is not UTF-8. */
export async function readBody(req: IncomingMessage): Promise<string | undefined> {
  const bytes = await readBytes(req, MAX_BODY_BYTES);
  return bytes && decode(bytes);
}

/**
 * The body. Throws PAYLOAD_TOO_LARGE as soon as the limit is passed, whatever Content-Length said. Undefined when the
 * client left before the end.
 */
export async function readBytes(req: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const body = createGrowingBuffer(maxBytes);
  const isWhole = await new Promise<boolean>((resolve, reject) => {
    req.on('data', (chunk: Buffer) => {
      if (!body.append(chunk)) reject(tooLarge(maxBytes));
    });
    req.on('end', () => resolve(true));
    req.on('close', () => resolve(false));
    req.on('error', () => resolve(false));
  });
  return isWhole ? body.bytes() : undefined;
}

const INITIAL_BYTES = 16 * 1024;

/** One buffer for all chunks: a list of them would take a hundred times the memory when each has one byte. */
function createGrowingBuffer(maxBytes: number) {
  let buffer = Buffer.allocUnsafe(Math.min(INITIAL_BYTES, maxBytes));
  let size = 0;
  let isFull = false;
  return {
    /** False, from then on for ever, when the chunk does not fit below the limit. */
    append(chunk: Buffer): boolean {
      isFull ||= size + chunk.length > maxBytes;
      if (isFull) return false;
      if (size + chunk.length > buffer.length) {
        const grown = Buffer.allocUnsafe(
          Math.min(maxBytes, Math.max(size + chunk.length, 2 * buffer.length)),
        );
        buffer.copy(grown, 0, 0, size);
        buffer = grown;
      }
      size += chunk.copy(buffer, size);
      return true;
    },
    bytes: (): Buffer => buffer.subarray(0, size),
  };
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', `The request body is larger than ${maxBytes} bytes`);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('BAD_REQUEST', 'The request body is not UTF-8', { cause });
  }
}
