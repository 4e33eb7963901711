/** Every place of the schema that takes a text, each with an operation that puts one there; whatever is added to the schema is among them. */
import {
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
} from 'graphql';
import { createSchema } from '../../src/graphql/schema.ts';
import type { Sent } from './attack-senders.ts';

export interface Place {
  /** Such as `startTurn.input.query`. */
  readonly title: string;
  readonly kind: 'query' | 'mutation' | 'subscription';
  /** The operation with the text in that place, and elsewhere what is right. */
  put(text: string): Sent;
}

const TEXTS = ['String', 'ID', 'Cursor', 'URL'];
/** What stands in the other places, by their names and else by their types. */
const RIGHT: Readonly<Record<string, unknown>> = {
  attachmentType: 'log',
  contentType: 'text/plain',
  limiter: 'each',
  ID: '00000000-0000-4000-8000-000000000000',
  String: 'x',
  Int: 1,
  Boolean: true,
};

type Path = readonly string[];

function listPaths(type: GraphQLInputType): readonly Path[] {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return TEXTS.includes(named.name) ? [[]] : [];
  return Object.values(named.getFields()).flatMap((field) =>
    listPaths(field.type).map((path) => [field.name, ...path]),
  );
}

interface Filling {
  readonly name: string;
  readonly type: GraphQLInputType;
  /** Below this value; undefined: the text is not here. */
  readonly path?: Path | undefined;
  readonly text: string;
}

function fill({ name, type, path, text }: Filling): unknown {
  if (isNonNullType(type)) return fill({ name, type: type.ofType, path, text });
  if (isListType(type)) return [fill({ name, type: type.ofType, path, text })];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (!isInputObjectType(type)) return path === undefined ? (RIGHT[name] ?? RIGHT[type.name]) : text;
  const [next, ...rest] = path ?? [];
  const fields = Object.values(type.getFields());
  const chosen = type.isOneOf
    ? fields.filter((field) => field.name === (next ?? 'text'))
    : fields.filter((field) => field.name === next || isRequiredInputField(field));
  return Object.fromEntries(
    chosen.map((field) => [
      field.name,
      fill({ name: field.name, type: field.type, text, path: field.name === next ? rest : undefined }),
    ]),
  );
}

export function listPlaces(): readonly Place[] {
  const schema = createSchema();
  const roots = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
  return (['query', 'mutation', 'subscription'] as const).flatMap((kind) =>
    Object.values(roots[kind]?.getFields() ?? {}).flatMap((field) =>
      field.args.flatMap((argument) =>
        listPaths(argument.type).map((path) => ({
          title: [field.name, argument.name, ...path].join('.'),
          kind,
          put(text: string): Sent {
            const required = field.args.filter((other) => other === argument || isNonNullType(other.type));
            const selection = isObjectType(getNamedType(field.type)) || kind === 'subscription';
            const declared = required.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
            const given = required.map(({ name }) => `${name}: $${name}`).join(', ');
            return {
              query: `${kind} (${declared}) { ${field.name}(${given}) ${selection ? '{ __typename }' : ''} }`,
              variables: Object.fromEntries(
                required.map((other) => [
                  other.name,
                  fill({
                    name: other.name,
                    type: other.type,
                    text,
                    path: other === argument ? path : undefined,
                  }),
                ]),
              ),
            };
          },
        })),
      ),
    ),
  );
}
