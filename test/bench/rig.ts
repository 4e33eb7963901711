/** Everything that a run needs, each in a process of its own: upstream, Millrace with its Postgres, with and without its log, the bare pass-through, the clients. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UNLIMITED } from '../support/limits.ts';
import { createOpenDirectory } from '../support/postgres.ts';
import { type BenchChild, startChild } from './child.ts';
import type { FollowerKind } from './followers.ts';
import type { BenchOptions } from './options.ts';
import { readPostgresCpu, stopPostgres } from './postgres-usage.ts';

/** A server under test. */
export interface Target {
  readonly name: 'Millrace' | 'log off' | 'bare';
  readonly child: BenchChild;
  readonly kind: FollowerKind;
  readonly url: string;
  /** Microseconds of CPU time that its database has used; null when it has none or cannot say. */
  readDatabaseCpu(): Promise<number | null>;
}

export interface Rig {
  readonly upstream: BenchChild;
  readonly load: BenchChild;
  /** Plays the readers that stop reading. */
  readonly paused: BenchChild;
  readonly bare: Target;
  readonly millrace: Target;
  /** Millrace without its event log. */
  readonly logOff: Target;
}

/** Starts all processes; `resources` ends them. */
export async function startRig(options: BenchOptions, resources: AsyncDisposableStack): Promise<Rig> {
  const start = (name: string, script: string): BenchChild =>
    resources.use(startChild({ name, args: [script] }));
  const upstream = start('upstream', 'test/bench/upstream.ts');
  const passThrough = start('pass-through', 'test/bench/pass-through.ts');
  const load = start('client', 'test/bench/load.ts');
  const paused = start('paused readers', 'test/bench/paused-client.ts');
  const upstreamUrl = await upstream.ask<string>('listen');
  const bareUrl = await passThrough.ask<string>('listen', upstreamUrl);
  const making: Making = { upstreamUrl, options, resources };
  return {
    upstream,
    load,
    paused,
    bare: {
      name: 'bare',
      child: passThrough,
      kind: 'bare',
      url: bareUrl,
      readDatabaseCpu: async () => null,
    },
    millrace: await startMillrace('Millrace', ['src/main.ts', 'serve'], making),
    logOff: await startMillrace('log off', ['test/bench/log-off.ts'], making),
  };
}

interface Making {
  readonly upstreamUrl: string;
  readonly options: BenchOptions;
  readonly resources: AsyncDisposableStack;
}

/** Those of Node in `npm start`. */
function readStartFlags(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
  return scripts.start.split(' ').filter((word: string) => word.startsWith('--'));
}

/** As an operator starts it, with the built-in Postgres in an empty directory. */
async function startMillrace(
  name: 'Millrace' | 'log off',
  script: readonly string[],
  { upstreamUrl, options, resources }: Making,
): Promise<Target> {
  const directory = resources.use(await createOpenDirectory());
  resources.defer(() => stopPostgres(directory.path));
  const configFile = join(directory.path, 'millrace.yaml');
  // Without authentication all clients are one viewer.
  await writeFile(configFile, JSON.stringify({ limits: UNLIMITED }));
  const { profile, transport } = options;
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const flags = [...profiling, ...readStartFlags(), '--import', './test/bench/probe.ts'];
  const env = {
    HOST: '127.0.0.1',
    PORT: '0',
    MILLRACE_MODE: 'production',
    MILLRACE_CONFIG: configFile,
    MILLRACE_DATA_DIR: directory.path,
    LOG_LEVEL: 'silent',
    OPENAI_BASE_URL: `${upstreamUrl}/v1`,
    OPENAI_MODEL: 'bench',
  };
  const child = resources.use(startChild({ name, args: [...flags, ...script], env }));
  return {
    name,
    child,
    kind: transport,
    url: await child.waitFor(/(http:\/\/127\.0\.0\.1:\d+)\/graphql/),
    readDatabaseCpu: () => readPostgresCpu(directory.path),
  };
}
