/** What the command line of the bench asks for, and the scenarios that follow from it. Nothing runs here. */
import { parseArgs } from 'node:util';

export type Transport = 'ws' | 'sse';

export interface BenchOptions {
  readonly quick: boolean;
  readonly json: boolean;
  /** How Millrace's turns are followed. */
  readonly transport: Transport;
  /** Only scenarios whose name contains this text. */
  readonly only: string;
  /** Folder for a CPU profile of Millrace; absent: none is taken. */
  readonly profile: string | undefined;
  /** Readers beside paused ones, instead of Millrace beside the bare pass-through. */
  readonly paused: boolean;
  /** The storms on quotas instead. */
  readonly quotas: boolean;
}

/** One answer of the upstream: so many tokens, at a pace or as fast as they are read. */
export interface Plan {
  readonly tokens: number;
  readonly tokensPerSecond: number | null;
  /** Characters that are added to each token; such an answer is in no report. Absent: none. */
  readonly padding?: number;
}

/** Readers that stop reading beside others that do not. */
export interface PausedScenario {
  readonly normal: Scenario;
  /** Paused readers; they share turns. */
  readonly readers: number;
  readonly turns: number;
  /** The answer that they stop reading. */
  readonly plan: Plan & { readonly padding: number };
}

export interface Scenario extends Plan {
  readonly name: string;
  readonly streams: number;
}

/**
 * Between the starts of two paced streams: about as many turns a second as one core takes that is busy with others.
 * No divisor of the pace, so that the streams do not beat together.
 */
export const START_STEP_MS = 13.7;

export const USAGE = `npm run bench -- [options]
  --quick             smaller and shorter, for a first look
  --transport ws|sse  how Millrace's turns are followed (ws)
  --only TEXT         only scenarios whose name contains the text, such as "50/s" or "full"
  --json              print JSON instead of the table
  --profile FOLDER    write a CPU profile of Millrace there
  --paused            instead: what readers that stop reading cost those beside them, and whether they lose anything
  --quotas            instead: 24 rounds of 1,000 spenders on one balance, with kills, and 50 × 200 questions under one key each
  --help              print this`;

/** Undefined when help is asked for; throws a TypeError of one line when the arguments are wrong. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      transport: { type: 'string', default: 'ws' },
      only: { type: 'string', default: '' },
      profile: { type: 'string' },
      paused: { type: 'boolean', default: false },
      quotas: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, json, transport, only, profile, paused, quotas, help } = values;
  if (help) return undefined;
  if (transport !== 'ws' && transport !== 'sse') {
    throw new TypeError(`--transport is ws or sse, not "${transport}"`);
  }
  return { quick, json, transport, only, profile, paused, quotas };
}

/** In the order in which they run. Throws when nothing is left to run. */
export function listScenarios(options: Pick<BenchOptions, 'quick' | 'only'>): readonly Scenario[] {
  const all = listAll(options);
  const chosen = all.filter(({ name }) => name.includes(options.only));
  if (chosen.length > 0 || listLogScenarios(options).length > 0) return chosen;
  throw new TypeError(
    `no scenario has "${options.only}" in its name: ${all.map(({ name }) => name).join(', ')}, ${LOG_NAME}`,
  );
}

function listAll({ quick }: Pick<BenchOptions, 'quick'>): readonly Scenario[] {
  if (quick) {
    return [toPaced(1, 3), toPaced(100, 4), toShortTurns(100), toFullSpeed(1, 5_000), toFullSpeed(20, 500)];
  }
  return [
    ...[toPaced(1, 10), toPaced(100, 10), toPaced(500, 20)],
    ...[toShortTurns(400), toFullSpeed(1, 20_000), toFullSpeed(50, 2_000)],
  ];
}

const LOG_NAME = 'log, 50/s × 500';

/** What is run with the event log and without it, in turns, each as often as it is listed. */
export function listLogScenarios({ quick, only }: Pick<BenchOptions, 'quick' | 'only'>): readonly Scenario[] {
  const scenario = { ...toPaced(500, quick ? 4 : 20), name: LOG_NAME };
  return LOG_NAME.includes(only) ? Array.from({ length: quick ? 1 : 2 }, () => scenario) : [];
}

/**
 * The answers are larger than what two kernels keep for a connection, about 4 MiB on Linux. The others are as many as the
 * server can bear: of one that is busy without paused readers nothing could be said about these.
 */
export function toPausedScenario({ quick }: Pick<BenchOptions, 'quick'>): PausedScenario {
  const plan = { tokens: 512, tokensPerSecond: 40, padding: 16 * 1024 };
  return quick
    ? { normal: toPaced(50, 10), readers: 12, turns: 2, plan }
    : { normal: toPaced(500, 30, 10), readers: 200, turns: 2, plan };
}

/** What both servers answer before anything is measured, so that their code is compiled and their pools are open. */
export function listWarmUps({ quick }: Pick<BenchOptions, 'quick'>): readonly Scenario[] {
  const fast = { ...toFullSpeed(20, 500), name: 'warm-up' };
  const slow = { ...toPaced(20, 1), name: 'warm-up' };
  return quick ? [fast, slow] : [fast, slow, fast];
}

function toPaced(streams: number, seconds: number, tokensPerSecond = 50): Scenario {
  return {
    name: `${tokensPerSecond}/s × ${streams}`,
    streams,
    tokens: tokensPerSecond * seconds,
    tokensPerSecond,
  };
}

/** Nearly all that they cost is the start and the end of a turn. */
function toShortTurns(streams: number): Scenario {
  return { name: `1 token × ${streams}`, streams, tokens: 1, tokensPerSecond: 1 };
}

function toFullSpeed(streams: number, tokens: number): Scenario {
  return { name: `full speed × ${streams}`, streams, tokens, tokensPerSecond: null };
}
