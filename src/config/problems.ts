/** Says in one line what is wrong with the configuration: where, what is allowed, what was found. */
import type { z } from 'zod';
import { AppError } from '../errors.ts';
import { findNode, isSecret, listKeys, type OutlineNode, readOutline, toExpectation } from './outline.ts';

/** Who said what, so that a complaint names what the operator wrote. */
export interface Provenance {
  /** The YAML file's name as it was given. */
  readonly file: string | undefined;
  /** The variable or flag that a value came from, by dotted path; absent: the file. */
  readonly origins: ReadonlyMap<string, string>;
}

/** What a rule about several settings needs to complain, and to find files. */
export interface RuleContext {
  /** What the operator knows a setting by. */
  label(...path: readonly PropertyKey[]): string;
  readonly cwd: string;
}

/** Every error of the configuration is a BAD_USER_INPUT whose message is one line. */
export function toConfigError(where: string, problem: string): AppError {
  return new AppError('BAD_USER_INPUT', `${where}: ${problem}`);
}

/** What the operator knows a setting by: the variable or flag that set it, else its key in the file. */
export function toLabel(path: readonly PropertyKey[], provenance: Provenance): string {
  for (let length = path.length; length > 0; length--) {
    const origin = provenance.origins.get(path.slice(0, length).join('.'));
    if (origin !== undefined) return origin;
  }
  const key = path.reduce<string>(appendKey, '');
  return provenance.file === undefined ? key : `${key} in ${provenance.file}`;
}

function appendKey(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? String(key) : `${path}.${String(key)}`;
}

/** The error for the schema's first complaint. Secrets are never shown. */
export function fromComplaints(
  error: z.ZodError,
  provenance: Provenance,
  root: OutlineNode = readOutline(),
): AppError {
  const [first] = error.issues.map((issue) => fromIssue(issue, provenance, root));
  return first ?? toConfigError('configuration', error.message);
}

function fromIssue(issue: z.core.$ZodIssue, provenance: Provenance, root: OutlineNode): AppError {
  const node = findNode(issue.path, root);
  const meant = isSecret(node) ? undefined : findMeantIssue(issue);
  if (meant !== undefined) return fromIssue(meant, provenance, root);
  if (issue.code === 'unrecognized_keys') {
    const known = listKeys(node).join(', ');
    return toConfigError(
      toLabel([...issue.path, issue.keys[0] ?? ''], provenance),
      `unknown key; there are ${known}`,
    );
  }
  const label = toLabel(issue.path, provenance);
  if (issue.code === 'custom' && issue.params?.isProblem) return toConfigError(label, issue.message);
  const expectation = `expected ${toExpectation(node)}`;
  if (isSecret(node)) return toConfigError(label, expectation);
  const input = toInput(issue);
  if (input === undefined) return toConfigError(label, `missing; ${expectation}`);
  return toConfigError(label, `${expectation}, got ${toShown(input)}`);
}

/** A complaint about a key that tells the members of a union apart comes with the mapping that has the key. */
function toInput(issue: z.core.$ZodIssue): unknown {
  if (issue.code !== 'invalid_union' || !('discriminator' in issue)) return issue.input;
  return (issue.input as Readonly<Record<string, unknown>>)[String(issue.discriminator)];
}

/** Of a union, the complaint of the one member that the value is of the kind of: a mapping, say, with a wrong key in it. */
function findMeantIssue(issue: z.core.$ZodIssue): z.core.$ZodIssue | undefined {
  if (issue.code !== 'invalid_union') return undefined;
  const within = issue.errors.filter((issues) => issues.every(isWithin));
  const [first] = within.length === 1 ? (within[0] ?? []) : [];
  return first && { ...first, path: [...issue.path, ...first.path] };
}

const isWithin = (issue: z.core.$ZodIssue): boolean =>
  issue.path.length > 0 || issue.code === 'unrecognized_keys';

const MAX_SHOWN = 60;

function toShown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
