/** What a GraphQL request over HTTP may be: one operation, of a kind that its method and its Accept header allow. */
import { type DocumentNode, getOperationAST, OperationTypeNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { AppError } from '../errors.ts';
import { negotiateSingle, negotiateStream } from './accept.ts';
import type { ExchangeContext, HttpAnswer } from './exchange.ts';

export function useHttpRules(): Plugin<ExchangeContext, ExchangeContext> {
  return {
    async onRequestParse({ requestParser, setRequestParser, serverContext: { exchange } }) {
      // Before its text is looked at: strangers learn nothing of the schema and cost little.
      await exchange.admit();
      setRequestParser(async (request) => {
        try {
          return (await requestParser?.(request)) ?? {};
        } catch (error) {
          throw error instanceof SyntaxError ? new AppError('BAD_REQUEST', 'A parameter is not JSON') : error;
        }
      });
      return {
        onRequestParseDone({ requestParserResult }) {
          if (!Array.isArray(requestParserResult)) return;
          throw new AppError(
            'BATCHING_DISABLED',
            'Batching is not supported; send one operation per request',
          );
        },
      };
    },
    onParse() {
      return ({ context, result }) => {
        const { answer } = context.exchange;
        if (!answer || result === null || result instanceof Error) return;
        requireAnswerable(answer, result as DocumentNode, context.params?.operationName);
      };
    },
  };
}

/** Chooses the answer's media type, and throws METHOD_NOT_ALLOWED or NOT_ACCEPTABLE before anything is executed. */
function requireAnswerable(
  answer: HttpAnswer,
  document: DocumentNode,
  operationName: string | undefined,
): void {
  const operation = getOperationAST(document, operationName)?.operation;
  if (operation === undefined) return;
  if (answer.method === 'GET' && operation !== OperationTypeNode.QUERY) {
    throw new AppError('METHOD_NOT_ALLOWED', `GET does not run a ${operation}; use POST`);
  }
  const isSubscription = operation === OperationTypeNode.SUBSCRIPTION;
  answer.isSubscription = isSubscription;
  answer.mediaType = isSubscription ? negotiateStream(answer.accept) : negotiateSingle(answer.accept);
  if (answer.mediaType !== undefined) return;
  throw new AppError(
    'NOT_ACCEPTABLE',
    isSubscription
      ? 'A subscription needs text/event-stream or multipart/mixed;subscriptionSpec=1.0 in the Accept header'
      : 'The Accept header allows neither application/graphql-response+json nor application/json',
  );
}
