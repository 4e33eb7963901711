/** The GraphQL engine behind all transports: graphql-js with its bounds, and the codes of what it refuses. */
import { execute, GraphQLError, parse, specifiedRules, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Config } from '../config/config.ts';
import { createDocumentRules } from './document-limits.ts';
import { subscribe } from './subscribe.ts';

export function useEngine(limits: Config['limits']['document']): Plugin {
  const allRules = [...specifiedRules, ...createDocumentRules(limits)];
  return {
    onParse({ setParseFn }) {
      setParseFn((source) => parse(source, { maxTokens: limits.tokens }));
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
