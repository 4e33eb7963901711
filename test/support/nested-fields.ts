/** The fields below the root that read something: the action that each declares, and documents that lead to it. */
import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLUnionType,
  getNamedType,
  isCompositeType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { actionOf, type RootField, rootFields, schema, toDocument } from './root-fields.ts';

export interface NestedField {
  readonly type: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  /** Such as `Conversation.turns`. */
  readonly title: string;
}

/** What needs no action of its own, and why: whoever may have the parent may have it. */
export const OPEN_FIELDS: Readonly<Record<string, string>> = {
  'ConversationUpsert.conversation': 'conversations are what the subscription needs its action for',
  'DocumentUse.document': 'part of it',
  'EndEvent.availableQuotas': 'what the question left to its owner is part of its end',
  'EndEvent.turn': 'the turn that is followed',
  'ErrorEvent.turn': 'the turn that is followed',
  'InterruptedEvent.turn': 'the turn that is followed',
  'StartEvent.turn': 'the turn that is followed',
  'Turn.chunks': 'part of it',
  'Turn.conversation': 'its name and dates, for whoever asks in it; what was said in it has an action',
  'Turn.referencedDocuments': 'part of it',
  'Turn.toolCalls': 'part of it',
};

const roots = new Set(rootFields.map(({ root }) => root.name));

/** Every field of an object that gives objects by a resolver of its own, but for the pages of a list. */
export const readingFields: readonly NestedField[] = Object.values(schema.getTypeMap())
  .filter((type) => isObjectType(type))
  .filter(({ name }) => !roots.has(name) && !/^__|(Connection|Edge)$/.test(name))
  .flatMap((type) => Object.values(type.getFields()).map((field) => toNested(type, field)))
  .filter(({ field }) => field.resolve !== undefined && isCompositeType(getNamedType(field.type)));

export const guardedFields = readingFields.filter(({ field }) => actionOf(field) !== undefined);

function toNested(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): NestedField {
  return { type, field, title: `${type.name}.${field.name}` };
}

/** The shortest way from a root field to a nested one by fields without an action, as a selection; undefined: there is none. */
function findSelection(from: RootField['field'], { type: wanted, field: last }: NestedField) {
  const first = getNamedType(from.type);
  const seen = new Set([first.name]);
  const queue = [{ type: first, wrap: (inner: string) => `{ ${inner} }` }];
  for (const { type, wrap } of queue) {
    if (type === wanted) return wrap(`${last.name} { __typename }`);
    const add = (next: typeof type, open: string): void => {
      if (seen.has(next.name)) return;
      seen.add(next.name);
      queue.push({ type: next, wrap: (inner) => wrap(`${open} { ${inner} }`) });
    };
    if (isUnionType(type)) for (const member of toMembers(type)) add(member, `... on ${member.name}`);
    if (!isObjectType(type)) continue;
    const open = Object.values(type.getFields()).filter((field) => actionOf(field) === undefined);
    for (const field of open) add(getNamedType(field.type), field.name);
  }
  return undefined;
}

/** With the member by which a stream begins in front, so that its first result goes the way. */
const toMembers = (type: GraphQLUnionType): readonly GraphQLObjectType[] =>
  type.getTypes().toSorted((a, b) => Number(b.name === 'StartEvent') - Number(a.name === 'StartEvent'));

export interface Route {
  readonly from: RootField;
  readonly nested: NestedField;
  readonly title: string;
  readonly toDocument: (args: Readonly<Record<string, string>>) => string;
}

/** A way to each nested field with an action, from each root field that has one. */
export const routes: readonly Route[] = guardedFields.flatMap((nested) =>
  rootFields.flatMap((from) => {
    const selection = findSelection(from.field, nested);
    if (selection === undefined) return [];
    const title = `${from.title} to ${nested.title}`;
    return [{ from, nested, title, toDocument: (args) => toDocument(from, { args, selection }) }];
  }),
);
