/** Tells of every setting what it means, what it may be, what it is, and who said so. */
import type { Config, Settings } from './config.ts';
import { findNode, listLeaves, type OutlineLeaf, readOutline, toExpectation } from './outline.ts';
import { mask } from './printable.ts';
import { type Provenance, toLabel } from './problems.ts';
import { SETTINGS } from './settings.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** As they were written, with defaults. */
  readonly settings: Settings;
  /** Only what was written. */
  readonly written: unknown;
  readonly provenance: Provenance;
}

/** One block of lines for each setting at or below a path, such as `server` or `backends[0].baseUrl`; none: no such place. */
export function explainSettings(loaded: LoadedConfig, path = ''): readonly string[] {
  const wanted = path.replaceAll(/\[\d+\]/g, '[]');
  return listLeaves()
    .filter((leaf) => isAtOrBelow(leaf.path, wanted))
    .map((leaf) => explainLeaf(loaded, leaf, path));
}

function isAtOrBelow(path: string, place: string): boolean {
  return place === '' || (path.startsWith(place) && /^($|\.|\[)/.test(path.slice(place.length)));
}

function explainLeaf(loaded: LoadedConfig, leaf: OutlineLeaf, wanted: string): string {
  const setting = SETTINGS.find((candidate) => candidate.path === leaf.path);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Expected', toExpectation(leaf.node)],
    ['Variable', setting && (setting.secret ? `${setting.env} or ${setting.env}_FILE` : setting.env)],
    ['Flag', setting && `--${setting.flag}`],
    ['Default', leaf.node.default === undefined ? undefined : JSON.stringify(leaf.node.default)],
    ...listPlaces(loaded, leaf.path.split(/\.|(?=\[\])/), wanted).map(
      (place) => ['Value', describeValue(loaded, place)] as const,
    ),
  ];
  const lines = facts.flatMap(([name, text]) => (text === undefined ? [] : `  ${name.padEnd(9)} ${text}`));
  return [leaf.path, `  ${leaf.node.description ?? ''}`.trimEnd(), ...lines].join('\n');
}

type Place = readonly (string | number)[];

/** The real places of a setting: one for each item of the lists, and each key of the records, that it stands in. */
function listPlaces(loaded: LoadedConfig, segments: readonly string[], wanted: string): readonly Place[] {
  const places = segments.reduce<readonly Place[]>(
    (found, segment) => {
      if (segment !== '[]' && segment !== '<name>') return found.map((place) => [...place, segment]);
      return found.flatMap((place) => listKeysAt(loaded, place).map((key) => [...place, key]));
    },
    [[]],
  );
  const isChosen = (place: Place): boolean => isAtOrBelow(toLabel(place, NOWHERE), wanted);
  return /\[\d+\]/.test(wanted) ? places.filter(isChosen) : places;
}

const NOWHERE: Provenance = { file: undefined, origins: new Map() };

function listKeysAt({ config, settings }: LoadedConfig, place: Place): Place {
  const value = findValue(config, place) ?? findValue(settings, place);
  return Array.isArray(value) ? [...value.keys()] : Object.keys(value ?? {});
}

function describeValue(loaded: LoadedConfig, place: Place): string {
  const { config, settings, written, provenance } = loaded;
  const value = findValue(config, place) ?? findValue(settings, place);
  const isListed = place.some((key) => typeof key === 'number');
  const prefix = isListed ? `${toLabel(place, NOWHERE)} = ` : '';
  if (value === undefined) return `${prefix}not set`;
  const shown = JSON.stringify(mask(value, findNode(place, readOutline())));
  const isWritten = findValue(written, place) !== undefined;
  if (isWritten) return `${prefix}${shown}, from ${toSource(place, provenance)}`;
  const isDerived = findValue(settings, place) === undefined;
  return `${prefix}${shown}, ${isDerived ? 'follows from other settings' : 'the default'}`;
}

/** The flag, the variable, or the file; a secret file is named by its key. */
function toSource(place: Place, { file, origins }: Provenance): string {
  const origin = place.map((_, index) => origins.get(place.slice(0, index + 1).join('.'))).find(Boolean);
  return origin ?? file ?? 'the file';
}

function findValue(tree: unknown, place: Place): unknown {
  return place.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Readonly<Record<string | number, unknown>>)[key];
  }, tree);
}
