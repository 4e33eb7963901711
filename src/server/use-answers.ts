/** How results become HTTP responses: which are JSON with which status, and which are streams. */
import type { FormattedExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { ERROR_CODES } from '../errors.ts';
import type { ErrorExtensions } from '../graphql/errors.ts';
import type { ErrorCode } from '../types/error-code.ts';
import {
  EVENT_STREAM_TYPE,
  GRAPHQL_JSON_TYPE,
  JSON_TYPE,
  MULTIPART_TYPE,
  negotiateSingle,
  type SingleType,
} from './accept.ts';
import type { ExchangeContext, HttpAnswer } from './exchange.ts';
import type { AnyResult, ResultFinisher } from './results.ts';
import type { ResultStream } from './send-stream.ts';
import { STREAM_FORMATS } from './stream-formats.ts';

/** Errors about the document or its variables: answers of the GraphQL layer, not refusals by HTTP. */
const DOCUMENT_ERRORS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_TOO_COMPLEX',
  'BAD_USER_INPUT',
]);

/** A response that is not a stream. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function useAnswers(finisher: ResultFinisher): Plugin<object, ExchangeContext> {
  return {
    onResultProcess({ setResultProcessor, serverContext: { exchange } }) {
      setResultProcessor((input, fetchAPI) => {
        const { answer, requestId } = exchange;
        if (!answer) throw new Error('Only HTTP requests have responses');
        const result = input as AnyResult | AsyncIterable<AnyResult>;
        const finished = isStream(result) ? result : finisher.finish(result, requestId);
        answer.stream = toStream(finished, answer);
        if (answer.stream) {
          return new fetchAPI.Response(null, {
            headers: { 'content-type': answer.stream.format.contentType },
          });
        }
        const { body, ...init } = toJsonAnswer(finished as FormattedExecutionResult, answer.accept);
        return new fetchAPI.Response(body, init);
      }, JSON_TYPE);
    },
  };
}

/** Undefined when the result is to be one JSON document. */
function toStream(
  result: FormattedExecutionResult | AsyncIterable<AnyResult>,
  answer: HttpAnswer,
): ResultStream | undefined {
  const type = answer.mediaType ?? negotiateSingle(answer.accept);
  if (type !== EVENT_STREAM_TYPE && type !== MULTIPART_TYPE) return undefined;
  const format = STREAM_FORMATS[type];
  if (isStream(result)) return { format, results: result };
  return isRefusedByHttp(result) ? undefined : { format, results: once(result) };
}

function isStream(result: AnyResult | AsyncIterable<AnyResult>): result is AsyncIterable<AnyResult> {
  return Symbol.asyncIterator in result;
}

async function* once(result: AnyResult): AsyncGenerator<AnyResult> {
  yield result;
}

/** The result as one JSON document, of a type that the Accept header allows. */
export function toJsonAnswer(result: FormattedExecutionResult, accept: string | null): WholeAnswer {
  const type = negotiateSingle(accept) === GRAPHQL_JSON_TYPE ? GRAPHQL_JSON_TYPE : JSON_TYPE;
  return {
    status: statusOf(result, type),
    headers: { 'content-type': `${type}; charset=utf-8`, ...toRetryHeader(result) },
    body: JSON.stringify(result),
  };
}

/** https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes: application/json knows only 200 for documents. */
function statusOf(result: FormattedExecutionResult, type: SingleType): number {
  if (!isRequestError(result)) return 200;
  const { code } = firstExtensions(result);
  if (DOCUMENT_ERRORS.has(code)) return type === JSON_TYPE ? 200 : 400;
  return ERROR_CODES[code].status;
}

/** Refused before the operation ran, for reasons other than its text: a status says this better than a stream. */
function isRefusedByHttp(result: FormattedExecutionResult): boolean {
  return isRequestError(result) && !DOCUMENT_ERRORS.has(firstExtensions(result).code);
}

/** An error with a path comes from a resolver. */
function isRequestError({ data, errors = [] }: FormattedExecutionResult): boolean {
  return data === undefined && errors.some(({ path }) => path === undefined);
}

function toRetryHeader(result: FormattedExecutionResult): { readonly 'retry-after'?: string } {
  const retryAfterMs = isRequestError(result) ? firstExtensions(result).retryAfterMs : undefined;
  return retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) };
}

/** Finished results have coded errors only. */
function firstExtensions({ errors = [] }: FormattedExecutionResult): ErrorExtensions {
  return errors[0]?.extensions as ErrorExtensions;
}
