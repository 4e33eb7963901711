/** The last step of every result, on every transport: errors get their codes, are counted and go into the log. */
import type { ExecutionResult, FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { ERROR_CODES } from '../errors.ts';
import { type CodedError, type ErrorExtensions, findAppError, toGraphQLError } from '../graphql/errors.ts';
import type { Log } from '../log.ts';
import type { AccessMetrics } from '../metrics.ts';

/** An error as it goes over the wire. */
export type WireError = GraphQLFormattedError & { readonly extensions: ErrorExtensions };

export type AnyResult = ExecutionResult | FormattedExecutionResult;

export interface ResultFinisher {
  /** The result as it goes over the wire. Finishing again changes and logs nothing. */
  finish(result: AnyResult, requestId: string): FormattedExecutionResult;
  /** The same for one error. */
  finishError(error: unknown, requestId: string): WireError;
}

export interface FinisherDeps {
  readonly log: Log;
  readonly metrics: Pick<AccessMetrics, 'errorTold'>;
}

export function createResultFinisher({ log, metrics }: FinisherDeps): ResultFinisher {
  const finished = new WeakSet<WireError>();
  const finishError = (error: unknown, requestId: string): WireError => {
    if (finished.has(error as WireError)) return error as WireError;
    const coded = toGraphQLError(error, requestId);
    logError(log, error, coded);
    metrics.errorTold(coded.extensions.code);
    const wire = coded.toJSON() as WireError;
    finished.add(wire);
    return wire;
  };
  return {
    finishError,
    finish(result, requestId) {
      if (result.errors === undefined) return result as FormattedExecutionResult;
      return { ...result, errors: result.errors.map((error) => finishError(error, requestId)) };
    },
  };
}

/** Expected errors are one line at the level of their code; only a fault of the server brings its stack. */
function logError(log: Log, error: unknown, shown: CodedError): void {
  const { code, requestId } = shown.extensions;
  const path = shown.path?.join('.');
  if (code === 'INTERNAL_SERVER_ERROR') {
    log.error({ code, requestId, path, err: findCause(error) }, 'Internal server error');
    return;
  }
  const reason = findAppError(error)?.cause;
  log[ERROR_CODES[code].level](
    { code, requestId, path, ...(reason !== undefined && { reason: String(reason) }) },
    shown.message,
  );
}

function findCause(error: unknown): unknown {
  let current = error;
  while (current instanceof Error && current.cause !== undefined) current = current.cause;
  return current;
}
