/** The GraphQL server behind HTTP and WebSocket: Yoga with the rules of this folder. Sockets and bodies are not its business. */
import { useCSRFPrevention } from '@graphql-yoga/plugin-csrf-prevention';
import type { GraphQLSchema } from 'graphql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import { provesIdentity } from '../auth/choose-module.ts';
import type { Config } from '../config/config.ts';
import type { GraphQLContext, OperationContext } from '../graphql/context.ts';
import type { Log } from '../log.ts';
import { toTurnCredentials } from './credentials.ts';
import { createDocumentCache, createErrorCache } from './document-cache.ts';
import type { ExchangeContext } from './exchange.ts';
import { GRAPHIQL_OPTIONS, renderGraphiql } from './graphiql.ts';
import type { ViewerLimits } from './limits.ts';
import type { OriginPolicy } from './origins.ts';
import { ID_PARAMETERS, type PersistedOperations } from './persisted-operations.ts';
import type { ResultFinisher } from './results.ts';
import { useAnswers } from './use-answers.ts';
import { useEngine } from './use-engine.ts';
import { useHttpRules } from './use-http-rules.ts';
import { usePersistedOperations } from './use-persisted-operations.ts';

export const GRAPHQL_PATH = '/graphql';

/** Either says that a script sent the request, so that a browser asked for leave before (see CORS). */
export const PREFLIGHT_HEADERS = ['graphql-require-preflight', 'apollo-require-preflight'];

export type Yoga = YogaServerInstance<ExchangeContext, GraphQLContext>;

export interface YogaDeps {
  readonly schema: GraphQLSchema;
  readonly config: Pick<Config, 'authentication' | 'mode' | 'limits'>;
  readonly log: Log;
  readonly origins: OriginPolicy;
  readonly finisher: ResultFinisher;
  readonly persisted: PersistedOperations;
  readonly openStream: ViewerLimits['openStream'];
  createContext(operation: OperationContext): GraphQLContext;
}

export function createGraphQLYoga(deps: YogaDeps): Yoga {
  const { log, origins } = deps;
  return createYoga<ExchangeContext, GraphQLContext>({
    schema: deps.schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: async ({ exchange }) => {
      const { requestId, operationId, signal } = exchange;
      const viewer = await exchange.admit();
      if (exchange.answer?.isSubscription) deps.openStream(viewer, signal);
      const credentials = toTurnCredentials(exchange.credentials);
      const { refreshToken = null } = exchange;
      return deps.createContext({ viewer, credentials, requestId, operationId, signal, refreshToken });
    },
    logging: {
      debug: () => {},
      info: (...args) => log.debug({ args }, 'yoga'),
      warn: (...args) => log.warn({ args }, 'yoga'),
      error: (...args) => log.error({ args }, 'yoga'),
    },
    // Errors are masked where results leave the server, with the requestId: see results.ts.
    maskedErrors: false,
    batching: false,
    multipart: false,
    extraParamNames: deps.persisted.mode === 'off' ? [] : [...ID_PARAMETERS],
    maxRequestBodySize: false,
    landingPage: false,
    parserAndValidationCache: {
      documentCache: createDocumentCache(),
      errorCache: createErrorCache(),
    },
    graphiql: deps.config.mode === 'development' && GRAPHIQL_OPTIONS,
    renderGraphiQL: renderGraphiql,
    cors: (request) => {
      const origin = request.headers.get('origin') ?? undefined;
      if (origin === undefined || !origins.allows(origin, request.headers.get('host') ?? undefined))
        return false;
      return {
        origin: [origin],
        credentials: false,
        methods: ['GET', 'POST'],
        exposedHeaders: ['x-request-id', 'retry-after'],
        maxAge: 600,
      };
    },
    plugins: [
      useEngine({ ...deps.config.limits.document, introspects: mayIntrospect(deps.config) }),
      useHttpRules(),
      usePersistedOperations(deps.persisted),
      useCSRFPrevention({ requestHeaders: PREFLIGHT_HEADERS }),
      useAnswers(deps.finisher),
    ],
  });
}

/** In production those only who have proved who they are; nobody else comes as far as that, but where nobody has to. */
function mayIntrospect({ mode, authentication }: YogaDeps['config']): boolean {
  return mode === 'development' || provesIdentity(authentication);
}
