/** The GraphQL engine behind all transports: graphql-js with its bounds, and the codes of what it refuses. */
import { execute, GraphQLError, parse, specifiedRules, type ValidationRule, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { subscribe } from './subscribe.ts';

/** The stock introspection query has about 400. */
const MAX_TOKENS = 4_000;

export function useEngine(rules: readonly ValidationRule[]): Plugin {
  const allRules = [...specifiedRules, ...rules];
  return {
    onParse({ setParseFn }) {
      setParseFn((source) => parse(source, { maxTokens: MAX_TOKENS }));
      return ({ result }) => {
        if (result instanceof GraphQLError) result.extensions.code = 'GRAPHQL_PARSE_FAILED';
      };
    },
    onValidate({ setValidationFn }) {
      setValidationFn((schema, document) => validate(schema, document, allRules, { hideSuggestions: true }));
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn((args) => execute({ ...args, hideSuggestions: true }));
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args) => subscribe({ ...args, hideSuggestions: true }));
    },
  };
}
