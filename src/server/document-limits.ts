/** What a GraphQL document may ask for at most, on every transport alike. Its length in tokens is bounded where it is parsed, its cost where it is executed. */
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import { GraphQLError, type ValidationContext, type ValidationRule } from 'graphql';
import type { Config } from '../config/config.ts';

type Limits = Config['limits']['document'];

/** Reports instead of throwing: whatever else is wrong with the document is told, too. */
const REPORTING = {
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null, { message }: GraphQLError): void =>
      context?.reportError(
        new GraphQLError(message.replace(/^Syntax Error: /, ''), {
          extensions: { code: 'OPERATION_TOO_COMPLEX' },
        }),
      ),
  ],
};

/** Fragments count as if they were written out where they are spread. Introspection has its own bound, in graphql-js. */
export function createDocumentRules(limits: Limits): readonly ValidationRule[] {
  return [
    maxDepthRule({ n: limits.depth, ...REPORTING, flattenFragments: true }),
    maxAliasesRule({ n: limits.aliases, ...REPORTING }),
    maxDirectivesRule({ n: limits.directives, ...REPORTING }),
  ];
}
