/** The GraphQL engine behind all transports: graphql-js with its bounds, and the codes of what it refuses. */
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Config } from '../config/config.ts';
import { createDocumentRules } from './document-limits.ts';
import { costOf, type Operation } from './operation-cost.ts';
import { subscribe } from './subscribe.ts';

/** Values that nest as deep as the tokens allow are too much for the parser's own recursion: 2,000 brackets fill the stack. */
function parseBounded(source: Parameters<typeof parse>[0], maxTokens: number): DocumentNode {
  try {
    return parse(source, { maxTokens });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new GraphQLError('Syntax Error: Document is nested too deeply.');
  }
}

/** The cost depends on the variables, so it is looked at where they are known; a document is validated once for all of them. */
function refuseCostly(operation: Operation, maxCost: number): ExecutionResult | undefined {
  const cost = costOf(operation);
  if (cost <= maxCost) return undefined;
  const message = `Query Cost limit of ${maxCost} exceeded, found ${cost}.`;
  return { errors: [new GraphQLError(message, { extensions: { code: 'OPERATION_TOO_COMPLEX' } })] };
}

type DocumentLimits = Config['limits']['document'] & {
  /** Whether operations may ask for the schema. */
  readonly introspects: boolean;
};

export function useEngine({ introspects, ...limits }: DocumentLimits): Plugin {
  const closed = introspects ? [] : [NoSchemaIntrospectionCustomRule];
  const allRules = [...specifiedRules, ...createDocumentRules(limits), ...closed];
  return {
    onParse({ setParseFn }) {
      setParseFn((source) => parseBounded(source, limits.tokens));
      return ({ result }) => {
        if (result instanceof GraphQLError) result.extensions.code = 'GRAPHQL_PARSE_FAILED';
      };
    },
    onValidate({ setValidationFn }) {
      setValidationFn((schema, document) => validate(schema, document, allRules, { hideSuggestions: true }));
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn((args) => refuseCostly(args, limits.cost) ?? execute({ ...args, hideSuggestions: true }));
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn(
        (args) => refuseCostly(args, limits.cost) ?? subscribe({ ...args, hideSuggestions: true }),
      );
    },
  };
}
