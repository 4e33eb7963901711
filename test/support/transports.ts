/** One operation over each transport, by stock clients, with everything that came back. */
import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, fetchExchange } from '@urql/core';
import { createClient as createSseClient } from 'graphql-sse';
import { type ClientOptions, createClient as createWsClient, type Client as WsClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface Received {
  readonly message?: string;
  readonly path?: readonly unknown[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** What came back: a list of data, the errors, and whether the stream ended as complete. */
export interface Outcome {
  readonly data: readonly unknown[];
  readonly errors: readonly Received[];
  readonly completed: boolean;
}

/** Where a server listens. */
export interface Endpoints {
  readonly endpoint: string;
  readonly socketUrl: string;
}

type Run = (server: Endpoints, query: string) => Promise<Outcome>;

/** A client that does not reconnect. */
export function connectSocket(url: string, options: Partial<ClientOptions> = {}): WsClient {
  return createWsClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, ...options });
}

interface Result {
  readonly data?: unknown;
  readonly errors?: readonly unknown[] | undefined;
}

function collect(start: (sink: Sink) => void): Promise<Outcome> {
  const data: unknown[] = [];
  const errors: Received[] = [];
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  start({
    next(result) {
      if (result.data !== undefined && result.data !== null) data.push(result.data);
      errors.push(...((result.errors ?? []) as readonly Received[]));
    },
    error(error) {
      errors.push(...((Array.isArray(error) ? error : [error]) as readonly Received[]));
      resolve({ data, errors, completed: false });
    },
    complete: () => resolve({ data, errors, completed: true }),
  });
  return promise;
}

interface Sink {
  next(result: Result): void;
  error(error: unknown): void;
  complete(): void;
}

const overWebSocket: Run = async ({ socketUrl }, query) => {
  const client = connectSocket(socketUrl);
  const outcome = await collect((sink) => client.subscribe({ query }, sink as never));
  await client.dispose();
  return outcome;
};

const overEventStream: Run = ({ endpoint }, query) => {
  const client = createSseClient({ url: endpoint, retryAttempts: 0 });
  return collect((sink) => client.subscribe({ query }, sink as never));
};

/** At the end of a subscription urql repeats its last result, with `hasNext: false`. */
const overUrql: Run = ({ endpoint }, query) => {
  const client = new Client({
    url: endpoint,
    exchanges: [fetchExchange],
    fetchSubscriptions: true,
    preferGetMethod: false,
  });
  const isSubscription = query.startsWith('subscription');
  const operation = isSubscription ? client.subscription(query, {}) : client.query(query, {});
  return collect((sink) => {
    operation.subscribe(({ data, error, hasNext }) => {
      if (hasNext || !isSubscription) sink.next({ data, errors: error?.graphQLErrors });
      if (!hasNext) sink.complete();
    });
  });
};

function overApollo(createLink: (server: Endpoints) => ApolloLink): Run {
  return async (server, query) => {
    const client = new ApolloClient({ link: createLink(server), cache: new InMemoryCache() });
    const outcome = await collect((sink) => {
      const toResult = ({ data, error }: { readonly data?: unknown; readonly error?: unknown }): Result => ({
        data,
        errors: CombinedGraphQLErrors.is(error) ? error.errors : error === undefined ? [] : [error],
      });
      const options = { fetchPolicy: 'no-cache', errorPolicy: 'all' } as const;
      if (query.startsWith('subscription')) {
        client.subscribe({ query: gql(query), ...options }).subscribe({
          next: (result) => sink.next(toResult(result)),
          error: sink.error,
          complete: sink.complete,
        });
        return;
      }
      client.query({ query: gql(query), ...options }).then(
        (result) => {
          sink.next(toResult(result));
          sink.complete();
        },
        (error: unknown) => sink.error(error),
      );
    });
    client.stop();
    return outcome;
  };
}

export const TRANSPORTS: readonly (readonly [name: string, run: Run])[] = [
  ['graphql-ws', overWebSocket],
  ['graphql-sse', overEventStream],
  ['urql over SSE', overUrql],
  ['Apollo Client over multipart', overApollo(({ endpoint }) => new HttpLink({ uri: endpoint }))],
  [
    'Apollo Client over graphql-ws',
    overApollo(({ socketUrl }) => new GraphQLWsLink(connectSocket(socketUrl))),
  ],
];
