/** The rules of the API's schema. */
import { readFileSync } from 'node:fs';
import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  Kind,
  parse,
  validate,
  visit,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { SCHEMA_FILE, toSchemaText } from '../../src/graphql/print-schema.ts';
import { MEMBERS } from '../../src/graphql/turn-event.ts';
import { ACTIONS } from '../../src/types/action.ts';
import { createContext, errorsOf, follow, run } from '../support/graphql.ts';
import { actionOf, rootFields, schema, toDocument } from '../support/root-fields.ts';

const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
const everyField = readFileSync(new URL('../support/every-field.graphql', import.meta.url), 'utf8');

/** Everything in a type that has a description, with its name. */
function describables(
  type: GraphQLNamedType,
): readonly { name: string; description?: string | null | undefined }[] {
  const within = (items: readonly { name: string; description?: string | null | undefined }[]) =>
    items.map(({ name, description }) => ({ name: `${type.name}.${name}`, description }));
  if (isEnumType(type)) return [type, ...within(type.getValues())];
  if (isInputObjectType(type)) return [type, ...within(Object.values(type.getFields()))];
  if (!isObjectType(type) && !isInterfaceType(type)) return [type];
  const fields = Object.values(type.getFields());
  const args = fields.flatMap((field) =>
    field.args.map((arg) => ({ name: `${field.name}(${arg.name}:)`, description: arg.description })),
  );
  return [type, ...within([...fields, ...args])];
}

describe('schema.graphql', () => {
  it('is what the code declares', () => {
    expect(readFileSync(SCHEMA_FILE, 'utf8')).toBe(toSchemaText(schema));
  });
});

describe('descriptions', () => {
  it('are there for every type, field, argument and enum value', () => {
    const all = types.flatMap(describables);
    expect(all.length).toBeGreaterThan(300);
    expect(all.filter(({ description }) => !description?.trim()).map(({ name }) => name)).toEqual([]);
  });

  it('are sentences: a capital first, a full stop last', () => {
    const own = types.filter(({ name }) => !['Boolean', 'Float', 'ID', 'Int', 'String'].includes(name));
    const wrong = own
      .flatMap(describables)
      .filter(({ description }) => !/^["A-Z`].*[.")]$/su.test(description ?? ''));
    expect(wrong.map(({ name, description }) => `${name}: ${description}`)).toEqual([]);
  });
});

describe('root fields', () => {
  it.each(rootFields)('$title declares its action', ({ field }) => {
    expect(ACTIONS).toContain(actionOf(field));
  });

  it.each(rootFields)('$title is refused before anything is called', async (rootField) => {
    const { root, field } = rootField;
    const context = createContext({ services: { policy: { can: () => false } } });
    const start = root.name === 'Subscription' ? follow : run;
    const result = await start(toDocument(rootField), context);
    if (Symbol.asyncIterator in result) expect.unreachable('the subscription was accepted');
    expect(errorsOf(result)).toEqual([
      { code: 'FORBIDDEN', message: `User does not have permission to perform ${actionOf(field)}` },
    ]);
  });
});

describe('mutations', () => {
  const mutations = rootFields.filter(({ root }) => root.name === 'Mutation');

  it.each(mutations)('$title takes one input and returns a payload of its own', ({ field }) => {
    const name = `${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}`;
    expect(field.args.map((arg) => `${arg.name}: ${arg.type}`)).toEqual([`input: ${name}Input!`]);
    expect(String(field.type)).toBe(`${name}Payload!`);
  });
});

describe('StreamEvent', () => {
  const union = schema.getType('StreamEvent');
  const members = isUnionType(union) ? union.getTypes() : [];

  it('has a member for every event', () => {
    expect(members.map(({ name }) => name).toSorted()).toEqual(Object.values(MEMBERS).toSorted());
  });

  it.each(members)('$name is a TurnEvent', (member) => {
    expect(member.getInterfaces().map(({ name }) => name)).toEqual(['TurnEvent']);
  });

  it('can be selected with every field of every member in one document without an alias', () => {
    const document = parse(everyField);
    expect(validate(schema, document)).toEqual([]);
    const selected = new Map<string, string[]>();
    visit(document, {
      InlineFragment({ typeCondition, selectionSet }) {
        const names = selectionSet.selections.flatMap((item) =>
          item.kind === Kind.FIELD ? [item.name.value] : [],
        );
        selected.set(typeCondition?.name.value ?? '', names);
      },
      Field({ alias }) {
        expect(alias).toBeUndefined();
      },
    });
    const shared = selected.get('TurnEvent') ?? [];
    for (const member of members) {
      const names = [...shared, ...(selected.get(member.name) ?? [])].toSorted();
      expect(names, member.name).toEqual(Object.keys(member.getFields()).toSorted());
    }
  });
});
