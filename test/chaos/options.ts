/** What the command line of the chaos harness asks for. Nothing runs here. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface ChaosOptions {
  /** The short form of each scenario. */
  readonly small: boolean;
  readonly json: boolean;
  readonly seed: number;
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[];
  /** Folder for what the nodes log and for the histories of clients that saw a rule broken. */
  readonly logs: string | undefined;
}

export function toUsage(scenarios: readonly { readonly name: string; readonly says: string }[]): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  return `npm run bench:chaos -- [options]
  --only NAME[,NAME]  only these scenarios
  --small             their short forms, as in continuous integration
  --seed NUMBER       repeat the schedule of that seed; it is printed first
  --logs FOLDER       write there what the nodes log, and the histories of clients that saw a rule broken
  --json              print JSON instead of the table
  --help              print this

Scenarios:
${scenarios.map(({ name, says }) => `  ${name.padEnd(width)}  ${says}`).join('\n')}`;
}

/** Undefined when help is asked for; throws a TypeError of one line when the arguments are wrong. */
export function parseOptions(args: readonly string[], known: readonly string[]): ChaosOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      small: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      seed: { type: 'string' },
      only: { type: 'string', default: '' },
      logs: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { small, json, logs, help } = values;
  if (help) return undefined;
  const only = values.only.split(',').filter(Boolean);
  const unknown = only.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`there is no scenario "${unknown}", there are ${known.join(', ')}`);
  }
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new TypeError(`--seed is a number, not "${values.seed}"`);
  return { small, json, seed, only, logs };
}
