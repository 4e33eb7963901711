/** Following a turn by real clients, one for each transport: graphql-ws, graphql-sse and Apollo's multipart reader. */
import { readFileSync } from 'node:fs';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import type { FormattedExecutionResult } from 'graphql';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { TestApp } from './app.ts';

/** What a client sends. */
export interface Operation {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

/** What a client receives for one event, or instead of the first one. */
export type Payload = FormattedExecutionResult<Record<string, unknown>>;

/** By name; over WebSocket they go as connectionParams. */
export type Headers = Readonly<Record<string, unknown>>;

/** The payloads of one subscription; it is sent when the first is asked for. Returning leaves it. */
export type Follow = (
  app: TestApp,
  operation: Operation,
  headers?: Headers,
) => AsyncGenerator<Payload, void, undefined>;

const ASK = readFileSync(new URL('every-field.graphql', import.meta.url), 'utf8');
const FOLLOW = ASK.replace('$input: StreamingQueryInput!', '$turnId: ID!, $after: Cursor').replace(
  'streamingQuery(input: $input)',
  'turnEvents(turnId: $turnId, after: $after)',
);

/** Asks, and selects every field of every event. */
export function toQuestion(query: string, input: Readonly<Record<string, unknown>> = {}): Operation {
  return { query: ASK, variables: { input: { query, ...input } } };
}

/** Follows a turn that is there, and selects the same. */
export function toFollowing(turnId: string, after?: string): Operation {
  return { query: FOLLOW, variables: after === undefined ? { turnId } : { turnId, after } };
}

async function* overWebSocket(
  { ws: url }: TestApp,
  operation: Operation,
  connectionParams: Headers = {},
): AsyncGenerator<Payload, void, undefined> {
  const client = createWsClient({ url, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 });
  try {
    yield* client.iterate<Record<string, unknown>>(operation) as AsyncIterable<Payload>;
  } finally {
    await client.dispose();
  }
}

async function* overSse(
  { graphql: url }: TestApp,
  operation: Operation,
  headers: Headers = {},
): AsyncGenerator<Payload, void, undefined> {
  const client = createSseClient({ url, headers: toTexts(headers), retryAttempts: 0 });
  try {
    yield* client.iterate<Record<string, unknown>>(operation) as AsyncIterable<Payload>;
  } finally {
    client.dispose();
  }
}

async function* overMultipart(
  { graphql: uri }: TestApp,
  { query, variables }: Operation,
  headers: Headers = {},
): AsyncGenerator<Payload, void, undefined> {
  const link = new HttpLink({ uri, headers: toTexts(headers) });
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const results = ApolloLink.execute(client.link, { query: gql(query), variables }, { client });
  try {
    yield* toIterable<Payload>((sink) =>
      results.subscribe({ ...sink, next: (it) => sink.next(it as Payload) }),
    );
  } finally {
    client.stop();
  }
}

const toTexts = (headers: Headers): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

/** Where an observable puts its values. */
export interface Sink<T> {
  next(value: T): void;
  error(reason: unknown): void;
  complete(): void;
}

/** The values of an observable as they come. Returning unsubscribes. */
export async function* toIterable<T>(
  subscribe: (sink: Sink<T>) => { unsubscribe(): void },
): AsyncGenerator<T, void, undefined> {
  let leave = (): void => {};
  let hasLeft = false;
  const values = new ReadableStream<T>({
    start(controller) {
      const subscription = subscribe({
        // Apollo Client goes on with what it had received when it was left.
        next: (value) => void (hasLeft || controller.enqueue(value)),
        error: (reason) => controller.error(reason),
        complete: () => controller.close(),
      });
      leave = () => subscription.unsubscribe();
    },
    cancel() {
      hasLeft = true;
    },
  });
  try {
    yield* values;
  } finally {
    leave();
  }
}

export const TRANSPORTS = [
  { name: 'WebSocket', follow: overWebSocket },
  { name: 'SSE', follow: overSse },
  { name: 'multipart', follow: overMultipart },
] as const satisfies readonly { readonly name: string; readonly follow: Follow }[];

/** The default for tests in which the transport does not matter. */
export const followTurn: Follow = overWebSocket;
