/** The ways in which the load client asks a question and follows the answer: Millrace's transports, and the bare stream. */
import { Agent } from 'node:http';
import { WebSocket } from 'ws';
import { readEventStream } from './event-stream.ts';
import type { Sink } from './tally.ts';
import { createTurnReader, SUBSCRIPTION, type SubscriptionResult } from './turn-reader.ts';

export type FollowerKind = 'ws' | 'sse' | 'bare';

/** Asks and resolves when the stream has ended well; rejects otherwise, also by the signal. */
export type Follow = (question: string, sink: Sink, signal: AbortSignal) => Promise<void>;

export function createFollow(kind: FollowerKind, url: string): Follow {
  const agent = new Agent({ keepAlive: true });
  if (kind === 'ws') return createWebSocketFollow(url);
  return kind === 'sse' ? createSseFollow(url, agent) : createBareFollow(url, agent);
}

interface Message {
  readonly type: string;
  readonly payload?: unknown;
}

/** The protocol graphql-transport-ws for one operation on one socket, as one page of a front end has it. */
function createWebSocketFollow(url: string): Follow {
  const address = `${url.replace('http', 'ws')}/graphql`;
  return async (question, sink, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = new WebSocket(address, 'graphql-transport-ws', { perMessageDeflate: false });
    const reader = createTurnReader(sink);
    const send = (message: object): void => socket.send(JSON.stringify(message));
    const receive = ({ type, payload }: Message): void => {
      if (type === 'next') reader.read(payload as SubscriptionResult);
      else if (type === 'ping') send({ type: 'pong' });
      else if (type === 'connection_ack') {
        sink.ask();
        send({ id: '1', type: 'subscribe', payload: toOperation(question) });
      } else if (type === 'complete') {
        reader.complete();
        resolve();
      } else throw new Error(`the server says ${type}: ${JSON.stringify(payload)}`);
    };
    socket.on('open', () => send({ type: 'connection_init' }));
    socket.on('message', (text) => {
      try {
        receive(JSON.parse(String(text)) as Message);
      } catch (error) {
        reject(error);
      }
    });
    socket.once('close', (code, reason) => reject(new Error(`a socket closed: ${code} ${reason}`)));
    socket.on('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    return promise.finally(() => socket.terminate());
  };
}

function createSseFollow(url: string, agent: Agent): Follow {
  return async (question, sink, signal) => {
    const reader = createTurnReader(sink);
    const request = { url: `${url}/graphql`, body: toOperation(question), agent, signal };
    sink.ask();
    await readEventStream(request, (data) => {
      if (data !== '') reader.read(JSON.parse(data) as SubscriptionResult);
    });
    reader.complete();
  };
}

interface UpstreamEvent {
  readonly type: string;
  readonly delta?: string;
}

function createBareFollow(url: string, agent: Agent): Follow {
  return async (question, sink, signal) => {
    const body = { model: 'bench', input: [{ role: 'user', content: question }], stream: true };
    let last = '';
    sink.ask();
    await readEventStream({ url: `${url}/v1/responses`, body, agent, signal }, (data) => {
      const { type, delta } = JSON.parse(data) as UpstreamEvent;
      last = type;
      if (delta !== undefined) sink.receive(delta);
    });
    if (last !== 'response.completed') throw new Error(`a stream ended with ${last}`);
    sink.end();
  };
}

function toOperation(question: string): object {
  // A topic would be one more call, and the bare server makes none.
  return { query: SUBSCRIPTION, variables: { input: { query: question, generateTopicSummary: false } } };
}
