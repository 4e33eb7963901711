/** One attempt to run an operation, over WebSocket or server-sent events, written by hand: what arrives is told as it arrives. */
import { Agent } from 'node:http';
import { WebSocket } from 'ws';
import { readEventStream } from '../../bench/event-stream.ts';
import type { Operation, Result } from './operations.ts';

/** How an attempt ended: the server completed the operation, or the connection is over. */
export type Ending =
  | { readonly kind: 'complete' }
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string };

/** Resolves however it ends, also by the signal; never rejects. */
export type RunOperation = (
  url: string,
  operation: Operation,
  options: { readonly signal: AbortSignal; readonly onResult: (result: Result) => void },
) => Promise<Ending>;

/** Without a sign of life for this long, a connection is taken for dead; the server pings every 12 seconds. */
const SILENCE_MS = 20_000;

interface Message {
  readonly type: string;
  readonly payload?: unknown;
}

/** The protocol graphql-transport-ws for one operation on one socket. */
export const overWebSocket: RunOperation = (url, operation, { signal, onResult }) => {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    perMessageDeflate: false,
    handshakeTimeout: SILENCE_MS,
  });
  const cut = (reason: string): void => {
    resolve({ kind: 'closed', code: 0, reason });
    socket.terminate();
  };
  const silence = setTimeout(() => cut('silence'), SILENCE_MS);
  const onAbort = (): void => cut('the client left');
  const send = (message: object): void => socket.send(JSON.stringify(message));
  const receive = ({ type, payload }: Message): void => {
    if (type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: operation });
    else if (type === 'ping') send({ type: 'pong' });
    else if (type === 'next') onResult(payload as Result);
    else if (type === 'error') {
      onResult({ errors: payload as NonNullable<Result['errors']> });
      resolve({ kind: 'complete' });
    } else if (type === 'complete') resolve({ kind: 'complete' });
  };
  socket.on('open', () => send({ type: 'connection_init' }));
  socket.on('ping', () => silence.refresh());
  socket.on('message', (text) => {
    silence.refresh();
    receive(JSON.parse(String(text)) as Message);
  });
  socket.once('close', (code, reason) => resolve({ kind: 'closed', code, reason: String(reason) }));
  socket.on('error', (error) => resolve({ kind: 'closed', code: 0, reason: error.message }));
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  return promise.finally(() => {
    clearTimeout(silence);
    signal.removeEventListener('abort', onAbort);
    socket.terminate();
  });
};

/** GraphQL over server-sent events, distinct connections: an empty `data` line completes the operation. */
export const overSse: RunOperation = async (url, operation, { signal, onResult }) => {
  const agent = new Agent();
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  let completed = false;
  try {
    const request = {
      url: `${url}/graphql`,
      body: operation,
      agent,
      signal: AbortSignal.any([signal, silence.signal]),
    };
    await readEventStream(request, (data) => {
      timer.refresh();
      if (data === '') completed = true;
      else onResult(JSON.parse(data) as Result);
    });
    return completed ? { kind: 'complete' } : { kind: 'closed', code: 0, reason: 'the stream ended' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return completed ? { kind: 'complete' } : { kind: 'closed', code: 0, reason };
  } finally {
    clearTimeout(timer);
    agent.destroy();
  }
};

/** Runs a mutation; undefined when it could not be asked. */
export async function mutate(url: string, operation: Operation): Promise<Result | undefined> {
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-graphql-yoga-csrf': '1' },
      body: JSON.stringify(operation),
      signal: AbortSignal.timeout(60_000),
    });
    return (await response.json()) as Result;
  } catch {
    return undefined;
  }
}
