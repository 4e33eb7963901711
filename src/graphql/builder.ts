/** The schema builder and the types that every declaration shares. What the schema holds lives in schema.ts. */
import SchemaBuilder from '@pothos/core';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { requireAction } from '../auth/policy.ts';
import type { Action } from '../types/action.ts';
import type { JsonObject } from '../types/json.ts';
import type { GraphQLContext } from './context.ts';

interface Scalar<T> {
  readonly Input: T;
  readonly Output: T;
}

/** What the schema is made of, as TypeScript sees it. */
interface SchemaTypes {
  readonly Context: GraphQLContext;
  readonly AuthScopes: { readonly action: Action };
  readonly DefaultFieldNullability: false;
  readonly Scalars: {
    readonly ID: Scalar<string>;
    readonly Count: Scalar<number>;
    readonly Cursor: Scalar<string>;
    readonly DateTime: Scalar<Date>;
    readonly JSON: Scalar<JsonObject>;
    readonly URL: Scalar<string>;
  };
}

export type Builder = ReturnType<typeof createBuilder>;
/** The same with the library's defaults filled in: what its generic types ask for. */
export type ResolvedTypes = Builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never;

/**
 * A builder whose root fields, and those below that read what is not part of their parent, declare their action as
 * `authScopes: { action }`; without it a viewer meets FORBIDDEN.
 */
export function createBuilder() {
  return new SchemaBuilder<SchemaTypes>({
    plugins: [ScopeAuthPlugin],
    defaultFieldNullability: false,
    scopeAuth: {
      authorizeOnSubscribe: true,
      authScopes: ({ services, viewer }) => ({
        action: (action) => {
          requireAction(services.policy, viewer, action);
          return true;
        },
      }),
    },
  });
}
