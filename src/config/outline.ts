/** Reads the schema of the configuration back as an outline: which keys there are, what they mean, what they may be. */
import { z } from 'zod';
import { configSchema } from './config.ts';

/** A place in the configuration, as its JSON schema describes it. */
export interface OutlineNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, OutlineNode>>;
  readonly required?: readonly string[];
  readonly items?: OutlineNode;
  /** What the value may be, in words, where type and bounds do not tell. */
  readonly expected?: string;
  readonly secret?: true;
}

export interface OutlineLeaf {
  /** Dotted, with `[]` for the items of a list. */
  readonly path: string;
  readonly node: OutlineNode;
  readonly required: boolean;
}

function toOutline(): OutlineNode {
  return z.toJSONSchema(configSchema, { io: 'input' }) as OutlineNode;
}

/** The node at a path of the schema; an empty one where the path leaves the schema. */
export function findNode(path: readonly PropertyKey[]): OutlineNode {
  return path.reduce<OutlineNode>(
    (node, key) => (typeof key === 'number' ? node.items : node.properties?.[String(key)]) ?? {},
    toOutline(),
  );
}

/** All settings in the order of the schema. */
export function listLeaves(): readonly OutlineLeaf[] {
  return walk({ path: '', node: toOutline(), required: true });
}

function walk({ path, node, required }: OutlineLeaf): readonly OutlineLeaf[] {
  if (node.items?.properties) return walk({ path: `${path}[]`, node: node.items, required });
  if (!node.properties) return [{ path, node, required }];
  return Object.entries(node.properties).flatMap(([key, child]) =>
    walk({
      path: path === '' ? key : `${path}.${key}`,
      node: child,
      required: node.required?.includes(key) ?? false,
    }),
  );
}

/** What a value may be, to stand after "expected". */
export function toExpectation(node: OutlineNode): string {
  if (node.expected) return node.expected;
  if (node.enum) return `one of ${node.enum.join(', ')}`;
  switch (node.type) {
    case 'integer':
      return node.maximum === undefined || node.maximum >= Number.MAX_SAFE_INTEGER
        ? `a number of at least ${node.minimum}`
        : `a number from ${node.minimum} to ${node.maximum}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
      return `a mapping with ${Object.keys(node.properties ?? {}).join(', ')}`;
    default:
      return 'text';
  }
}
