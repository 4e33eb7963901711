/** Reads the schema of the configuration back as an outline: which keys there are, what they mean, what they may be. */
import { z } from 'zod';
import { configSchema } from './config.ts';

/** A place in the configuration, as its JSON schema describes it. */
export interface OutlineNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, OutlineNode>>;
  readonly required?: readonly string[];
  readonly items?: OutlineNode;
  /** What the values of a record are; false: there are no further keys. */
  readonly additionalProperties?: OutlineNode | boolean;
  /** What a value may be instead of one thing. */
  readonly anyOf?: readonly OutlineNode[];
  readonly oneOf?: readonly OutlineNode[];
  /** What the value may be, in words, where type and bounds do not tell. */
  readonly expected?: string;
  readonly secret?: true;
}

export interface OutlineLeaf {
  /** Dotted, with `[]` for the items of a list and `<name>` for the keys of a record. */
  readonly path: string;
  readonly node: OutlineNode;
  readonly required: boolean;
}

const outlines = new WeakMap<z.ZodType, OutlineNode>();

/** The same object for the same schema: the command line asks for one node after the other. */
export function readOutline(schema: z.ZodType = configSchema): OutlineNode {
  const known = outlines.get(schema);
  if (known) return known;
  const outline = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as OutlineNode;
  outlines.set(schema, outline);
  return outline;
}

/** The node at a path of the schema; an empty one where the path leaves the schema. */
export function findNode(path: readonly PropertyKey[], root: OutlineNode = readOutline()): OutlineNode {
  return path.reduce<OutlineNode>((node, key) => findChild(node, key) ?? {}, root);
}

/** What stands below a node at a key of a mapping or an index of a list; of a union, in all of its members. */
export function findChild(node: OutlineNode, key: PropertyKey): OutlineNode | undefined {
  const found = listMembers(node).flatMap((member) => {
    if (typeof key === 'number') return member.items ?? [];
    const own = Object.entries(member.properties ?? {}).find(([name]) => name === String(key))?.[1];
    return own ?? toRecordValue(member) ?? [];
  });
  return found.length > 1 ? unite(found) : found[0];
}

/** Whether the value itself is never to be shown. */
export function isSecret(node: OutlineNode): boolean {
  return node.secret === true || listMembers(node).some((member) => member.secret === true);
}

/** The members of a union, of a union of unions too; a node that is none is its own only member. */
function listMembers(node: OutlineNode): readonly OutlineNode[] {
  const members = [...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  return members.length === 0 ? [node] : members.flatMap(listMembers);
}

function unite(nodes: readonly OutlineNode[]): OutlineNode {
  const description = nodes.find((node) => node.description)?.description;
  return { anyOf: nodes, ...(description === undefined ? {} : { description }) };
}

function toRecordValue({ additionalProperties }: OutlineNode): OutlineNode | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

/** All settings in the order of the schema. */
export function listLeaves(root: OutlineNode = readOutline()): readonly OutlineLeaf[] {
  return walk({ path: '', node: root, required: true });
}

/** A place that holds other places is no setting itself, but where a union allows a plain value there, too. */
function walk(place: OutlineLeaf): readonly OutlineLeaf[] {
  const below = listBelow(place.node);
  const takesValue = listMembers(place.node).some((member) => listBelow(member).length === 0);
  return [
    ...(takesValue ? [place] : []),
    ...below.flatMap((child) => walk({ ...child, path: join(place.path, child.path) })),
  ];
}

function join(path: string, key: string): string {
  return path === '' || key === '[]' ? `${path}${key}` : `${path}.${key}`;
}

/** The keys that a mapping at this place may have. */
export function listKeys(node: OutlineNode): readonly string[] {
  return [...new Set(listMembers(node).flatMap((member) => Object.keys(member.properties ?? {})))];
}

/**
 * The places directly below a node. Lists and records of plain values have none, nor has what says in words what it may
 * be: they are settings as a whole.
 */
function listBelow(node: OutlineNode): readonly OutlineLeaf[] {
  if (node.expected) return [];
  const members = listMembers(node);
  const fields = listKeys(node).map((key) => ({
    path: key,
    node: findChild(node, key) ?? {},
    required: members.every((member) => member.required?.includes(key) ?? false),
  }));
  return [...fields, ...members.flatMap(listNested)];
}

function listNested(member: OutlineNode): readonly OutlineLeaf[] {
  const nested = [
    { path: '[]', node: member.items },
    { path: '<name>', node: toRecordValue(member) },
  ];
  return nested.flatMap(({ path, node }) =>
    node !== undefined && listBelow(node).length > 0 ? [{ path, node, required: false }] : [],
  );
}

/** What a value may be, to stand after "expected". */
export function toExpectation(node: OutlineNode): string {
  if (node.expected) return node.expected;
  const members = listMembers(node);
  if (members.length > 1) return [...new Set(members.map(toExpectation))].join(' or ');
  if (node.const !== undefined) return String(node.const);
  if (node.enum) return `one of ${node.enum.join(', ')}`;
  switch (node.type) {
    case 'integer':
    case 'number':
      return toNumberExpectation(node);
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
      return node.properties ? `a mapping with ${Object.keys(node.properties).join(', ')}` : 'a mapping';
    default:
      return 'text';
  }
}

function toNumberExpectation({ minimum, maximum }: OutlineNode): string {
  const hasMaximum = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  const hasMinimum = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER;
  if (hasMinimum && hasMaximum) return `a number from ${minimum} to ${maximum}`;
  if (hasMinimum) return `a number of at least ${minimum}`;
  return hasMaximum ? `a number of at most ${maximum}` : 'a number';
}
