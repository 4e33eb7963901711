/** The root fields of the schema: the action that each declares, and a document that selects it. */
import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isInputObjectType,
  isLeafType,
} from 'graphql';
import { createSchema } from '../../src/graphql/schema.ts';

export interface RootField {
  readonly root: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  /** Such as `Query.viewer`. */
  readonly title: string;
}

export const schema = createSchema();

export const rootFields: readonly RootField[] = [
  schema.getQueryType(),
  schema.getMutationType(),
  schema.getSubscriptionType(),
]
  .filter((type) => type !== undefined && type !== null)
  .flatMap((root) =>
    Object.values(root.getFields()).map((field) => ({ root, field, title: `${root.name}.${field.name}` })),
  );

export function actionOf(field: GraphQLField<unknown, unknown>): unknown {
  const options = field.extensions.pothosOptions as { authScopes?: { action?: unknown } } | undefined;
  return options?.authScopes?.action;
}

/** A document that selects a root field with arguments that are acceptable in form, or those that are given by name. */
export function toDocument(
  { root, field }: RootField,
  given: { readonly args?: Readonly<Record<string, string>>; readonly selection?: string } = {},
): string {
  const named = (type: string) => schema.getType(type.replace('!', ''));
  const sample = (type: string): string => {
    const input = named(type);
    if (type === 'Boolean!') return 'true';
    if (type === 'Int!') return '1';
    if (!isInputObjectType(input)) return type.startsWith('[') ? '[]' : '"x"';
    return `{ ${required(Object.values(input.getFields()))} }`;
  };
  const toArg = (name: string, type: unknown): string =>
    `${name}: ${given.args?.[name] ?? sample(String(type))}`;
  const required = (fields: readonly { name: string; type: unknown }[]): string =>
    fields.flatMap(({ name, type }) => (String(type).endsWith('!') ? [toArg(name, type)] : [])).join(', ');
  const args = required(field.args);
  const selection = given.selection ?? (isLeafType(getNamedType(field.type)) ? '' : '{ __typename }');
  return `${root.name.toLowerCase()} { ${field.name}${args === '' ? '' : `(${args})`} ${selection} }`;
}
