/** Running operations on the schema without a server: a context around a stand-in for the turn engine. */
import { type ExecutionResult, execute, parse, subscribe, validate } from 'graphql';
import { createDefaultPolicy } from '../../src/auth/policy.ts';
import type { GraphQLContext, Services } from '../../src/graphql/context.ts';
import { findAppError } from '../../src/graphql/errors.ts';
import { createSchema } from '../../src/graphql/schema.ts';
import type { TurnEngine } from '../../src/turns/engine.ts';
import { NO_CREDENTIALS } from '../../src/types/credentials.ts';
import type { Turn } from '../../src/types/turn.ts';

export const TURN_ID = '0198c0de-0000-7000-8000-000000000001';
export const CONVERSATION_ID = '0198c0de-0000-7000-8000-0000000000c1';

/** A running turn of the default viewer. */
export function createTurn(values: Partial<Turn> = {}): Turn {
  return {
    id: TURN_ID,
    ownerId: 'ada',
    conversationId: CONVERSATION_ID,
    clientTurnId: null,
    status: 'RUNNING',
    query: 'Why is the sky blue?',
    provider: 'local',
    model: 'extractive',
    answer: '',
    finishReason: null,
    interruptReason: null,
    interruptedBy: null,
    stopsUnfollowed: false,
    error: null,
    truncated: false,
    ragChunkCount: 0,
    usage: { inputTokens: 0, outputTokens: 0, source: 'NONE' },
    startedAt: new Date('2026-01-31T12:00:00.000Z'),
    completedAt: null,
    fence: 1,
    lastSeq: 0,
    ...values,
  };
}

/** Something of which every use fails but what is given. */
export function only<T extends object>(what: string, given: Partial<T>): T {
  return new Proxy<object>(given, {
    get(target, key) {
      // A promise that resolves to this asks whether it is a promise itself.
      if (key in target || key === 'then') return Reflect.get(target, key);
      throw new Error(`${what}.${String(key)} must not be used`);
    },
  }) as T;
}

export interface ContextValues extends Partial<Omit<GraphQLContext, 'services'>> {
  readonly engine?: Partial<TurnEngine>;
  readonly services?: Partial<Services>;
}

/** The viewer Ada may do everything about herself; what is not given must not be used. */
export function createContext({ engine, services, ...values }: ContextValues = {}): GraphQLContext {
  return {
    viewer: { id: 'ada', name: 'Ada', roles: ['*'] },
    credentials: NO_CREDENTIALS,
    requestId: 'request-1',
    operationId: null,
    refreshToken: null,
    signal: new AbortController().signal,
    ...values,
    services: only<Services>('services', {
      policy: createDefaultPolicy({ localOperator: true }),
      engine: only<TurnEngine>('engine', engine ?? {}),
      quotas: only<Services['quotas']>('quotas', { isLimited: false }),
      linkHosts: ['docs.example.com'],
      ...services,
    }),
  };
}

const schema = createSchema();

function prepare(source: string) {
  const document = parse(source);
  const errors = validate(schema, document);
  if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join('\n'));
  return document;
}

/** Runs a query or a mutation. */
export async function run(
  source: string,
  context: GraphQLContext,
  variableValues: Readonly<Record<string, unknown>> = {},
): Promise<ExecutionResult> {
  return execute({ schema, document: prepare(source), contextValue: context, variableValues });
}

/** Starts a subscription: its events, or the result that refuses it. */
export async function follow(
  source: string,
  context: GraphQLContext,
  variableValues: Readonly<Record<string, unknown>> = {},
): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> {
  const result = await subscribe({
    schema,
    document: prepare(source),
    contextValue: context,
    variableValues,
  });
  return result as ExecutionResult | AsyncIterableIterator<ExecutionResult>;
}

/** The codes and messages of a result's errors, as clients see them. */
export function errorsOf(
  result: ExecutionResult,
): readonly { readonly code: string; readonly message: string }[] {
  return (result.errors ?? []).map((error) => ({
    code: findAppError(error)?.code ?? 'NONE',
    message: error.message,
  }));
}
