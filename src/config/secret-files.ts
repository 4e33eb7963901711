/** Reads the secrets that the YAML file leaves to files of their own: beside a secret `key` stands `keyFile`. */
import { findChild, isSecret, type OutlineNode, readOutline } from './outline.ts';
import { type Provenance, toConfigError, toLabel } from './problems.ts';
import { readText } from './read-text.ts';

const SUFFIX = 'File';

export interface SecretFile {
  /** Where the secret belongs. */
  readonly path: readonly PropertyKey[];
  /** What the operator knows it by: the key that names the file. */
  readonly origin: string;
  readonly secret: string;
}

/** The secrets of all files that the tree names, without white space around them. Throws a configuration error. */
export function readSecretFiles(
  tree: unknown,
  { cwd, file }: { readonly cwd: string; readonly file: string },
  root: OutlineNode = readOutline(),
): readonly SecretFile[] {
  const provenance: Provenance = { file, origins: new Map() };
  return listSecretFiles({ value: tree, node: root, path: [] }).map(({ path, name, isTaken }) => {
    const origin = toLabel([...path.slice(0, -1), `${String(path.at(-1))}${SUFFIX}`], provenance);
    if (isTaken) throw toConfigError(origin, `set either this or ${String(path.at(-1))}, not both`);
    return { path, origin, secret: readText(origin, name, cwd).trim() };
  });
}

interface Place {
  readonly value: unknown;
  readonly node: OutlineNode;
  readonly path: readonly PropertyKey[];
}

interface NamedFile {
  readonly path: readonly PropertyKey[];
  readonly name: string;
  readonly isTaken: boolean;
}

function listSecretFiles(place: Place): readonly NamedFile[] {
  const { value, node, path } = place;
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, child]) => {
    const secret = toSecretKey(node, key);
    if (secret !== undefined && typeof child === 'string') {
      return [{ path: [...path, secret], name: child, isTaken: secret in value }];
    }
    return listSecretFiles({ value: child, node: findChild(node, key) ?? {}, path: [...path, key] });
  });
}

/** The secret that a key names a file of, if the schema knows both. */
function toSecretKey(node: OutlineNode, key: string | number): string | undefined {
  if (typeof key === 'number' || !key.endsWith(SUFFIX)) return undefined;
  const secret = key.slice(0, -SUFFIX.length);
  const isBoth = isSecret(findChild(node, secret) ?? {}) && findChild(node, key) !== undefined;
  return isBoth ? secret : undefined;
}
