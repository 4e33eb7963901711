/** Writes a stream of results into an HTTP response, at the pace of its reader. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FormattedExecutionResult } from 'graphql';
import { orAborted } from '../lib/abort.ts';
import { openAnswerOutlet } from './answer-outlet.ts';
import { toCut } from './close-codes.ts';
import type { Readers } from './readers.ts';
import type { AnyResult, WireError } from './results.ts';
import type { StreamFormat } from './stream-formats.ts';

export interface ResultStream {
  readonly format: StreamFormat;
  readonly results: AsyncIterable<AnyResult>;
}

export interface StreamOptions {
  readonly keepAliveMs: number;
  readonly stallMs: number;
  readonly readers: Readers;
  /** Aborted when the reader has gone or the server closes; the source ends with it. */
  readonly signal: AbortSignal;
  /** Aborted with the error that ends the stay of the reader: it is the last that is sent. */
  readonly revoked: AbortSignal;
  finish(result: AnyResult): FormattedExecutionResult;
  finishError(error: unknown): WireError;
}

/**
 * Never rejects. The headers must have been set. A stream that ends by itself, or is revoked, is closed as complete;
 * one that is cut (the signal, a stall, a lost database) just stops, so that its client connects again.
 */
export async function sendStream(
  res: ServerResponse,
  { format, results }: ResultStream,
  options: StreamOptions,
): Promise<void> {
  const { signal, revoked, stallMs, keepAliveMs, readers } = options;
  const iterator = results[Symbol.asyncIterator]();
  const stop = (): void => void iterator.return?.().catch(() => {});
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  revoked.addEventListener('abort', stop, { once: true });
  const socket = await orAborted(socketOf(res), signal);
  if (!socket) return;

  const outlet = openAnswerOutlet(res, { transport: format.transport, readers, stallMs });
  const keepAlive = setInterval(() => {
    if (socket.writableLength > 0) return;
    outlet.cork();
    res.write(format.keepAlive);
  }, keepAliveMs);
  try {
    res.write(format.opening);
    let isCut = false;
    for await (const result of { [Symbol.asyncIterator]: () => iterator }) {
      const finished = options.finish(result);
      isCut = isLost(finished);
      if (isCut) break;
      outlet.cork();
      res.write(format.encode(finished));
      await outlet.whenRoom();
    }
    isCut ||= signal.aborted;
    if (!isCut && revoked.aborted) throw revoked.reason;
    res.end(isCut ? undefined : format.closing);
    // Kept alive, it would be one more connection that nobody uses when the server closes.
    if (isCut) socket.destroySoon();
  } catch (error) {
    res.end(format.encode({ errors: [options.finishError(error)] }) + format.closing);
  } finally {
    clearInterval(keepAlive);
    signal.removeEventListener('abort', stop);
  }
}

/** The source itself has failed in a way that a new connection mends: the cursor stays valid. A refusal would have a path. */
function isLost({ data, errors }: FormattedExecutionResult): boolean {
  const error = data === undefined ? errors?.[0] : undefined;
  return error?.path === undefined && toCut(error?.extensions?.code) !== undefined;
}

/** A pipelined request has no socket until the answer before it has ended; writing earlier would only fill memory. */
async function socketOf(res: ServerResponse): Promise<Socket> {
  return res.socket ?? new Promise((resolve) => res.once('socket', resolve));
}
