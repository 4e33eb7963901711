/** What an operation costs: about as many values as its answer can have, by its text and its variables. */
import {
  type ASTNode,
  type ExecutionArgs,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isCompositeType,
  isListType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { findListSize, type ListSize } from '../graphql/list-size.ts';

/** A valid document, and what of it is to be executed. */
export type Operation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>;

type Field = GraphQLField<unknown, unknown>;

const SCALAR_COST = 1;
const OBJECT_COST = 2;

interface Counted {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, { readonly on: string; readonly selectionSet: SelectionSetNode }>;
  /** By name; undefined: left out. */
  readonly variables: ReadonlyMap<string, unknown>;
  /** What fragments cost that were counted before, or they would be counted as often as they are spread. */
  readonly known: Map<string, number>;
}

/** Where a selection stands: in an object of that type, whose lists have that many items. */
interface Place {
  readonly type: GraphQLCompositeType | undefined;
  readonly items: number;
}

/**
 * A scalar costs 1, an object 2 and what is selected in it; what is in a page is counted as often as the page has items
 * at most. Fragments count as if they were written out where they are spread. Introspection has its own bound.
 */
export function costOf({ schema, document, operationName, variableValues }: Operation): number {
  const operation = getOperationAST(document, operationName);
  if (!operation) return 0;
  const fragments = document.definitions.flatMap((definition) =>
    definition.kind === Kind.FRAGMENT_DEFINITION
      ? [[definition.name.value, { on: definition.typeCondition.name.value, ...definition }] as const]
      : [],
  );
  const counted: Counted = {
    schema,
    fragments: new Map(fragments),
    variables: readVariables(operation, variableValues ?? {}),
    known: new Map(),
  };
  const type = schema.getRootType(operation.operation) ?? undefined;
  return costOfSelections(counted, operation.selectionSet, { type, items: 1 });
}

function readVariables(
  { variableDefinitions = [] }: OperationDefinitionNode,
  values: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, unknown> {
  return new Map(
    variableDefinitions.map(({ variable: { name }, defaultValue }) => [
      name.value,
      Object.hasOwn(values, name.value) ? values[name.value] : readLiteral(defaultValue),
    ]),
  );
}

function readLiteral(node: ASTNode | undefined): unknown {
  if (node === undefined || node.kind === Kind.NULL) return undefined;
  return node.kind === Kind.INT ? Number(node.value) : node;
}

function costOfSelections(counted: Counted, { selections }: SelectionSetNode, place: Place): number {
  return selections.reduce((cost, selection) => cost + costOfSelection(counted, selection, place), 0);
}

function costOfSelection(counted: Counted, selection: SelectionNode, place: Place): number {
  switch (selection.kind) {
    case Kind.FIELD:
      return costOfField(counted, selection, place);
    case Kind.INLINE_FRAGMENT: {
      const on = selection.typeCondition?.name.value;
      return costOfSelections(counted, selection.selectionSet, on ? narrow(counted, place, on) : place);
    }
    case Kind.FRAGMENT_SPREAD:
      return costOfFragment(counted, selection.name.value, place);
    default:
      return selection satisfies never;
  }
}

function costOfFragment(counted: Counted, name: string, place: Place): number {
  const fragment = counted.fragments.get(name);
  if (!fragment) return 0;
  const key = `${name} ${place.items}`;
  const known = counted.known.get(key);
  if (known !== undefined) return known;
  const cost = costOfSelections(counted, fragment.selectionSet, narrow(counted, place, fragment.on));
  counted.known.set(key, cost);
  return cost;
}

function narrow({ schema }: Counted, { items }: Place, name: string): Place {
  const type = schema.getType(name);
  return { type: isCompositeType(type) ? type : undefined, items };
}

function costOfField(counted: Counted, node: FieldNode, { type, items }: Place): number {
  const name = node.name.value;
  if (name === '__schema') return 0;
  const field = type && counted.schema.getField(type, name);
  const size = field && findSize(counted, field, node);
  const isList = field !== undefined && isListType(getNullableType(field.type));
  const times = isList ? (size ?? items) : 1;
  if (!node.selectionSet) return times * SCALAR_COST;
  const named = field && getNamedType(field.type);
  const inside = { type: isCompositeType(named) ? named : undefined, items: isList ? 1 : (size ?? 1) };
  return times * (OBJECT_COST + costOfSelections(counted, node.selectionSet, inside));
}

/** How many items its list has at most: as many as are asked for, else its default. Undefined when nothing says. */
function findSize(
  { variables }: Counted,
  field: Field,
  { arguments: given = [] }: FieldNode,
): number | undefined {
  const sizes = field.args.flatMap((argument) => {
    const size = findListSize(argument);
    if (!size) return [];
    const value = given.find(({ name }) => name.value === argument.name)?.value;
    const asked = value?.kind === Kind.VARIABLE ? variables.get(value.name.value) : readLiteral(value);
    return [{ size, asked }];
  });
  const asked = sizes.filter((each) => each.asked != null);
  if (asked.length > 0) return Math.max(...asked.map(bound));
  return sizes[0]?.size.default;
}

/** More than the largest page is refused where it is read, and so is what is no number. */
function bound({ asked, size: { max } }: { readonly asked: unknown; readonly size: ListSize }): number {
  return typeof asked === 'number' ? Math.min(Math.max(asked, 1), max) : max;
}
