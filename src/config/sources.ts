/** Collects what flags, environment and YAML file say, and remembers who said what. Nothing is judged here but the file's form. */
import { parseDocument } from 'yaml';
import type { Environment } from './environment.ts';
import { type Provenance, toConfigError } from './problems.ts';
import { readText } from './read-text.ts';
import { readSecretFiles } from './secret-files.ts';
import { CONFIG_FILE, SETTINGS, type Setting } from './settings.ts';

export interface ConfigSources {
  readonly env: Environment;
  /** Values of flags by their name without dashes, such as `openai-model`. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  /** Folder against which relative paths are resolved. */
  readonly cwd: string;
}

export interface Collected extends Provenance {
  /** All values in the shape of the configuration. */
  readonly tree: unknown;
}

type Branch = Record<string, unknown>;

/** Flags win over the environment, which wins over the file. Throws a configuration error when a file cannot be read. */
export function collectSettings(sources: ConfigSources): Collected {
  const file = sources.flags[CONFIG_FILE.flag] ?? findVariable(sources.env, CONFIG_FILE.env);
  const tree = file === undefined ? {} : readYaml(file, sources.cwd);
  const origins = new Map<string, string>();
  const secretFiles = file === undefined ? [] : readSecretFiles(tree, { file, cwd: sources.cwd });
  for (const { path, origin, secret } of secretFiles) {
    put(tree, path.map(String), secret);
    origins.set(path.join('.'), origin);
  }
  for (const setting of SETTINGS) {
    const found = findFlag(sources, setting) ?? findInEnvironment(sources, setting);
    if (found === undefined) continue;
    put(tree, setting.path.split('.'), toValue(setting, found.text));
    origins.set(setting.path, found.origin);
  }
  return { tree, file, origins };
}

interface Found {
  readonly text: string;
  readonly origin: string;
}

function findFlag(sources: ConfigSources, setting: Setting): Found | undefined {
  const text = sources.flags[setting.flag];
  return text === undefined ? undefined : { text, origin: `--${setting.flag}` };
}

function findInEnvironment({ env, cwd }: ConfigSources, setting: Setting): Found | undefined {
  const text = findVariable(env, setting.env);
  const fileVariable = `${setting.env}_FILE`;
  const file = setting.secret ? findVariable(env, fileVariable) : undefined;
  if (file === undefined) return text === undefined ? undefined : { text, origin: setting.env };
  if (text !== undefined) throw toConfigError(fileVariable, `set either this or ${setting.env}, not both`);
  return { text: readText(fileVariable, file, cwd).trim(), origin: fileVariable };
}

/** A variable that is set but empty counts as unset. */
function findVariable(env: Environment, name: string): string | undefined {
  return env[name] || undefined;
}

function toValue(setting: Setting, text: string): unknown {
  if (setting.kind === 'list') return text.split(',').flatMap((item) => item.trim() || []);
  if (setting.kind === 'number' && /^\d+$/.test(text)) return Number(text);
  return text;
}

/** Sets a value deep in the tree; where the file has a plain value on the way, that is left to be refused. */
function put(tree: unknown, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (!isBranch(tree)) return;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  tree[key] ??= {};
  put(tree[key], rest, value);
}

/** A mapping, or a list whose keys are its indices. */
function isBranch(value: unknown): value is Branch {
  return typeof value === 'object' && value !== null;
}

function readYaml(file: string, cwd: string): unknown {
  const document = parseDocument(readText(CONFIG_FILE.env, file, cwd), { prettyErrors: true });
  const [error] = document.errors;
  if (error) throw toConfigError(file, (error.message.split('\n')[0] ?? error.code).replace(/:$/, ''));
  const tree: unknown = document.toJS() ?? {};
  if (!isBranch(tree) || Array.isArray(tree))
    throw toConfigError(file, 'expected a mapping of settings at the top');
  return tree;
}
