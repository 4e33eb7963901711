/** Sends one operation by hand over each transport, however wrong it is, and reads the codes of what comes back. */
import { createParser } from 'eventsource-parser';
import { PREFLIGHT_HEADERS } from '../../src/server/yoga.ts';
import type { TestApp } from './app.ts';
import { openAcknowledged } from './raw-socket.ts';

/** The parameters of a request; nothing about them is certain. */
export interface Sent {
  readonly query: unknown;
  readonly variables?: unknown;
  readonly operationName?: unknown;
}

export interface Answer {
  /** Of all errors, in order; empty when there was none. */
  readonly codes: readonly string[];
  /** Everything that was received, as it came over the wire. */
  readonly text: string;
}

export type Send = (app: Pick<TestApp, 'graphql' | 'ws'>, sent: Sent) => Promise<Answer>;

interface Result {
  readonly data?: { readonly streamingQuery?: Readonly<Record<string, unknown>> } | null;
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
}

const toAnswer = (results: readonly Result[], text: string): Answer => ({
  codes: results.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions?.code ?? 'none')),
  text,
});

async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  return toAnswer(readResults(text, response.headers.get('content-type') ?? ''), text);
}

/** The results in a body of that content type. */
export function readResults(text: string, type: string): readonly Result[] {
  if (type.startsWith('text/event-stream')) return readEvents(text);
  if (type.startsWith('multipart/mixed')) return readParts(text);
  return [JSON.parse(text) as Result];
}

function readEvents(text: string): readonly Result[] {
  const results: Result[] = [];
  createParser({ onEvent: ({ data }) => data !== '' && results.push(JSON.parse(data) as Result) }).feed(text);
  return results;
}

function readParts(text: string): readonly Result[] {
  return text
    .split('\r\n--graphql')
    .map((part) => part.split('\r\n\r\n')[1] ?? '')
    .filter((part) => part.startsWith('{"payload"'))
    .map((part) => (JSON.parse(part) as { readonly payload: Result }).payload);
}

const postAccepting =
  (accept: string): Send =>
  async ({ graphql }, sent) =>
    readAnswer(
      await fetch(graphql, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: JSON.stringify(sent),
      }),
    );

const overGet: Send = async ({ graphql }, sent) => {
  const url = new URL(graphql);
  for (const [name, value] of Object.entries(sent)) {
    if (value !== undefined)
      url.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return readAnswer(await fetch(url, { headers: { [PREFLIGHT_HEADERS[0] ?? '']: '1' } }));
};

const overWebSocket: Send = async ({ ws }, sent) => {
  const raw = await openAcknowledged(ws);
  const id = crypto.randomUUID();
  raw.send({ id, type: 'subscribe', payload: sent });
  const { type, payload } = await raw.receive((message) => message.id === id);
  raw.socket.terminate();
  await raw.closed;
  const results = type === 'error' ? [{ errors: payload } as Result] : [payload as Result];
  return toAnswer(type === 'complete' ? [] : results, JSON.stringify(raw.messages));
};

/** GET takes queries only. */
export const SENDERS = {
  POST: postAccepting('application/json'),
  GET: overGet,
  SSE: postAccepting('text/event-stream'),
  multipart: postAccepting('multipart/mixed;subscriptionSpec=1.0, application/json'),
  WebSocket: overWebSocket,
} as const satisfies Record<string, Send>;

export type SenderName = keyof typeof SENDERS;

/** By which an operation of that kind can be sent. */
export const SENDERS_OF: Readonly<Record<'query' | 'mutation' | 'subscription', readonly SenderName[]>> = {
  query: ['POST', 'GET', 'SSE', 'multipart', 'WebSocket'],
  mutation: ['POST', 'SSE', 'multipart', 'WebSocket'],
  subscription: ['SSE', 'multipart', 'WebSocket'],
};

/** Longer requests do not fit into the line of a GET. */
const MAX_GET = 4_000;

/** Whether that much fits into a request of that kind. */
export function fits(name: SenderName, { query, variables = {} }: Sent): boolean {
  return name !== 'GET' || encodeURIComponent(`${query}${JSON.stringify(variables)}`).length < MAX_GET;
}
