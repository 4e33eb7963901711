/** The GraphQL clients that front ends use, set up as their manuals say, behind one interface. */
import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  gql,
  HttpLink,
  InMemoryCache,
} from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import {
  createClient,
  type Exchange,
  type ExecutionResult,
  fetchExchange,
  subscriptionExchange,
} from '@urql/core';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient, type Client as WsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { TestApp } from './app.ts';
import { type Operation, toIterable } from './clients.ts';

type Fields = Record<string, unknown>;

/** What an application sees of a result. */
export interface Outcome {
  readonly data: Fields | null;
  /** The codes of its errors. */
  readonly codes: readonly unknown[];
}

export interface StockClient extends AsyncDisposable {
  query(operation: Operation): Promise<Outcome>;
  mutate(operation: Operation): Promise<Outcome>;
  /** The results of a subscription, which is sent when the first is asked for. */
  subscribe(operation: Operation): AsyncGenerator<Outcome, void, undefined>;
}

/** How an application makes its client; those that use no WebSocket leave the second argument alone. */
export interface ClientSetup {
  readonly name: string;
  readonly create: (app: TestApp, ws: WsClient) => StockClient;
}

interface RawResult {
  readonly data?: unknown;
  readonly errors?: readonly { readonly extensions?: Fields | undefined }[] | undefined;
}

function toOutcome({ data, errors = [] }: RawResult): Outcome {
  return {
    data: (data as Fields | null | undefined) ?? null,
    codes: errors.map(({ extensions }) => extensions?.code),
  };
}

/** A client that has nothing but subscriptions, in which queries and mutations end after one result. */
function createPlainClient(iterate: (operation: Operation) => AsyncIterable<unknown>): StockClient {
  async function* subscribe(operation: Operation): AsyncGenerator<Outcome, void, undefined> {
    for await (const result of iterate(operation)) yield toOutcome(result as RawResult);
  }
  const execute = async (operation: Operation): Promise<Outcome> => {
    const [outcome, ...others] = await Array.fromAsync(subscribe(operation));
    if (outcome === undefined || others.length > 0)
      throw new Error(`${others.length} results beside the one`);
    return outcome;
  };
  return { subscribe, query: execute, mutate: execute, [Symbol.asyncDispose]: async () => {} };
}

function createApollo(link: ApolloLink): StockClient {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const fail = (error: unknown): Outcome => {
    if (!CombinedGraphQLErrors.is(error)) throw error;
    return toOutcome({ errors: error.errors });
  };
  return {
    query: ({ query, variables }) => client.query({ query: gql(query), variables }).then(toOutcome, fail),
    mutate: ({ query, variables }) =>
      client.mutate({ mutation: gql(query), variables }).then(toOutcome, fail),
    async *subscribe({ query, variables }) {
      // In the cache each event would replace the one before, and leave out what a fragment on an interface selects.
      const results = client.subscribe({ query: gql(query), variables, fetchPolicy: 'no-cache' });
      type Result = { readonly data?: unknown; readonly error?: unknown };
      for await (const result of toIterable<Result>((sink) => results.subscribe(sink))) {
        yield result.error === undefined ? toOutcome(result) : fail(result.error);
      }
    },
    [Symbol.asyncDispose]: async () => client.stop(),
  };
}

/** urql says that a subscription is over by showing its last result again. */
function createUrql(url: string, exchange: Exchange, fetchSubscriptions: boolean): StockClient {
  const client = createClient({
    url,
    exchanges: [exchange, fetchExchange],
    fetchSubscriptions,
    preferGetMethod: false,
  });
  type Result = Awaited<ReturnType<typeof client.query>>;
  const show = ({ data, error }: Result): Outcome => {
    if (error?.networkError) throw error.networkError;
    return toOutcome({ data, errors: error?.graphQLErrors });
  };
  return {
    query: async ({ query, variables }) => show(await client.query(query, variables)),
    mutate: async ({ query, variables }) => show(await client.mutation(query, variables)),
    async *subscribe({ query, variables }) {
      const source = client.subscription(query, variables);
      const results = toIterable<Result>((sink) =>
        source.subscribe((result) => (result.hasNext ? sink.next(result) : sink.complete())),
      );
      for await (const result of results) yield show(result);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function forwardOver(ws: WsClient): Exchange {
  return subscriptionExchange({
    forwardSubscription: ({ query = '', variables }) => ({
      subscribe: (sink) => ({
        unsubscribe: ws.subscribe(
          { query, variables: variables ?? {} },
          { ...sink, next: (result) => sink.next(result as ExecutionResult) },
        ),
      }),
    }),
  });
}

const passOn: Exchange = ({ forward }) => forward;

export const WEBSOCKET_CLIENTS: readonly ClientSetup[] = [
  { name: 'graphql-ws', create: (_app, ws) => createPlainClient((operation) => ws.iterate(operation)) },
  {
    name: 'Apollo Client over graphql-ws',
    create: ({ graphql: uri }, ws) =>
      createApollo(
        ApolloLink.split(
          ({ operationType }) => operationType === 'subscription',
          new GraphQLWsLink(ws),
          new HttpLink({ uri }),
        ),
      ),
  },
  { name: 'urql over graphql-ws', create: ({ graphql }, ws) => createUrql(graphql, forwardOver(ws), false) },
];

export const HTTP_CLIENTS: readonly ClientSetup[] = [
  {
    name: 'graphql-sse',
    create: ({ graphql: url }) => {
      const client = createSseClient({ url });
      return createPlainClient((operation) => client.iterate(operation));
    },
  },
  { name: 'Apollo Client over multipart', create: ({ graphql: uri }) => createApollo(new HttpLink({ uri })) },
  { name: 'urql over SSE', create: ({ graphql }) => createUrql(graphql, passOn, true) },
];

/** A graphql-ws client whose socket a test may destroy. */
export interface CuttableWs extends AsyncDisposable {
  readonly client: WsClient;
  /** Destroys the socket in use, without a close frame. */
  cut(): void;
}

/** As graphql-ws comes, but for the wait before it connects again, which by itself is at random. */
export function createCuttableWs({ ws: url }: TestApp, retryWait = () => Promise.resolve()): CuttableWs {
  let cut = (): void => {};
  const client = createWsClient({
    url,
    webSocketImpl: WebSocket,
    retryWait,
    on: {
      connected: (socket) => {
        cut = () => (socket as WebSocket).terminate();
      },
    },
  });
  return { client, cut: () => cut(), [Symbol.asyncDispose]: async () => client.dispose() };
}
