/** The protocol graphql-transport-ws over our GraphQL server: who connects, what an operation runs in, how it is refused. Sockets live in websocket.ts. */

import { type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import { type Context, makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import type { Access } from '../auth/access.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Credentials } from '../auth/credentials.ts';
import { openSession, type Session } from '../auth/session.ts';
import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { findAppError } from '../graphql/errors.ts';
import { OVER } from '../lib/abort.ts';
import { isUuid, randomId } from '../lib/ids.ts';
import { toCloseCode, toCut, toRefusalCut } from './close-codes.ts';
import { type Exchange, once } from './exchange.ts';
import { RETRY_MS, tooOften, type ViewerLimits } from './limits.ts';
import type { PersistedOperations } from './persisted-operations.ts';
import type { Excess } from './rate.ts';
import type { ResultFinisher } from './results.ts';
import type { SocketPlace } from './socket-places.ts';
import type { Yoga } from './yoga.ts';

/** Bytes that fit into a close frame's reason. */
const MAX_REASON_BYTES = 123;

/** An open operation of a connection. */
export interface Operation {
  readonly requestId: string;
  readonly controller: AbortController;
  /** False as soon as the protocol has done with it. */
  isOpen(): boolean;
}

/** What the protocol knows of a socket. */
export interface Connection {
  readonly [key: string]: unknown;
  /** Of the upgrade. */
  readonly credentials: Credentials;
  readonly operations: Map<string, Operation>;
  /** From when the connection is acknowledged. */
  session?: Session;
  /** Its part of what the node can bear. */
  readonly place: SocketPlace;
  /** By how much the message that is being looked at is too many. */
  excess?: Excess | undefined;
  /** Aborted when the socket has closed. */
  readonly closed: AbortSignal;
  /** Ends the connection and all its operations. */
  close(code: number, reason: string): void;
}

export interface ProtocolDeps {
  readonly yoga: Yoga;
  readonly finisher: ResultFinisher;
  readonly authenticate: Authenticate;
  readonly credentialChanges: Access['credentialChanges'];
  readonly persisted: PersistedOperations;
  readonly config: Pick<Config, 'authentication' | 'limits'>;
  /** Counts an operation. Throws RATE_LIMITED. */
  readonly admitViewer: ViewerLimits['admit'];
}

/** In place of what the client has completed before it began: it does not begin, and nobody is told. */
const COMPLETED = new GraphQLError('The operation was completed before it began');

type Enveloped = ReturnType<Yoga['getEnveloped']>;
type EnvelopedArgs = ExecutionArgs & { readonly enveloped: Enveloped };
type Params = Record<string, unknown> | undefined;

export function createProtocol(deps: ProtocolDeps): Server<Connection> {
  const { finisher } = deps;
  return makeServer<Params, Connection>({
    connectionInitWaitTimeout: 3_000,
    onConnect: (context) => connect(deps, context),
    onSubscribe: (context, id, payload) => prepare(deps, open(deps, context, id), payload),
    execute: (args) => (args as EnvelopedArgs).enveloped.execute(args),
    subscribe: (args) => (args as EnvelopedArgs).enveloped.subscribe(args),
    onNext({ extra }, id, _payload, args, result) {
      const finished = finisher.finish(result as ExecutionResult, requestIdOf(extra, id));
      const cut = finished.errors && isSubscription(args) ? toRefusalCut(finished) : undefined;
      if (cut) extra.close(cut.code, cut.reason);
      return finished;
    },
    onError({ extra }, id, _payload, errors) {
      // A follower that is cut keeps a valid cursor, and its client should connect again.
      const [cut] = errors.flatMap((error) => toCut(findAppError(error)?.code) ?? []);
      const coded = errors.map((error) => finisher.finishError(error, requestIdOf(extra, id)));
      if (cut) extra.close(cut.code, cut.reason);
      return coded;
    },
  });
}

function isSubscription({ document, operationName }: ExecutionArgs): boolean {
  return getOperationAST(document, operationName)?.operation === 'subscription';
}

/** Aborts what the protocol has done with: the client completed it, or it ended by itself. */
export function sweepOperations(operations: Map<string, Operation>): void {
  for (const [id, operation] of operations) {
    if (operation.isOpen()) continue;
    operations.delete(id);
    operation.controller.abort(OVER);
  }
}

async function connect(
  deps: ProtocolDeps,
  { connectionParams, extra }: Context<Params, Connection>,
): Promise<boolean> {
  const { authenticate } = deps;
  const { recheckMs } = deps.config.authentication;
  const credentials = { ...extra.credentials, connectionParams };
  const onEnd = (error: unknown): void => {
    const { message } = deps.finisher.finishError(error, randomId());
    extra.close(toCloseCode(error), Buffer.from(message).subarray(0, MAX_REASON_BYTES).toString());
  };
  try {
    const viewer = await authenticate(credentials);
    extra.place.acknowledge(viewer);
    extra.session = openSession({
      authenticate,
      recheckMs,
      changes: deps.credentialChanges,
      credentials,
      viewer,
      signal: extra.closed,
      onEnd,
    });
    return true;
  } catch (error) {
    onEnd(error);
    return false;
  }
}

function open(
  { config: { limits }, admitViewer }: ProtocolDeps,
  context: Context<Params, Connection>,
  id: string,
): Exchange {
  const { operations, session, credentials, excess } = context.extra;
  const operation: Operation = {
    requestId: randomId(),
    controller: new AbortController(),
    isOpen: () => id in context.subscriptions,
  };
  operations.set(id, operation);
  return {
    requestId: operation.requestId,
    operationId: isUuid(id) ? id : null,
    signal: operation.controller.signal,
    credentials: session?.credentials ?? credentials,
    ...(session && { refreshToken: session.refresh }),
    admit: once(async () => {
      if (excess) throw tooOften('Too many messages on this WebSocket', excess, limits.messageRate);
      if (operations.size > limits.operationsPerSocket) throw tooManyOperations(limits.operationsPerSocket);
      if (!session) throw new AppError('UNAUTHENTICATED', 'The connection has not been acknowledged');
      await admitViewer(session.viewer);
      return session.viewer;
    }),
  };
}

function tooManyOperations(limit: number): AppError {
  return new AppError('TOO_MANY_SUBSCRIPTIONS', `A socket may have ${limit} operations open at once`, {
    details: { retryAfterMs: RETRY_MS },
  });
}

/** What to execute, or why not: a refusal concerns this operation only, so nothing may be thrown. */
async function prepare(
  { yoga, persisted }: ProtocolDeps,
  exchange: Exchange,
  payload: SubscribePayload,
): Promise<EnvelopedArgs | readonly GraphQLError[]> {
  try {
    await exchange.admit();
    const params = persisted.resolve(payload);
    const enveloped = yoga.getEnveloped({ exchange, params });
    const { schema } = enveloped;
    const document = enveloped.parse(params.query);
    if (!getOperationAST(document, params.operationName)) {
      throw new AppError('OPERATION_RESOLUTION_FAILURE', 'Could not determine what operation to execute');
    }
    const errors: readonly GraphQLError[] = enveloped.validate(schema, document);
    if (errors.length > 0) return errors;
    const contextValue = await enveloped.contextFactory();
    if (exchange.signal.aborted) return [COMPLETED];
    const { operationName, variables: variableValues } = params;
    return { enveloped, schema, document, operationName, variableValues, contextValue };
  } catch (error) {
    return [error instanceof GraphQLError ? error : new GraphQLError(String(error), { cause: error })];
  }
}

function requestIdOf({ operations }: Connection, id: string): string {
  return operations.get(id)?.requestId ?? randomId();
}
