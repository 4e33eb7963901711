/** Everything that a run needs, each in a process of its own: upstream, Millrace with its Postgres, the bare pass-through, the clients. */
import { createOpenDirectory } from '../support/postgres.ts';
import { type BenchChild, startChild } from './child.ts';
import type { FollowerKind } from './followers.ts';
import type { BenchOptions } from './options.ts';
import { readPostgresCpu, stopPostgres } from './postgres-usage.ts';

/** A server under test. */
export interface Target {
  readonly name: 'Millrace' | 'bare';
  readonly child: BenchChild;
  readonly kind: FollowerKind;
  readonly url: string;
  /** Microseconds of CPU time that its database has used; null when it has none or cannot say. */
  readDatabaseCpu(): Promise<number | null>;
}

export interface Rig {
  readonly upstream: BenchChild;
  readonly load: BenchChild;
  readonly bare: Target;
  readonly millrace: Target;
}

/** Starts all processes; `resources` ends them. */
export async function startRig(options: BenchOptions, resources: AsyncDisposableStack): Promise<Rig> {
  const directory = resources.use(await createOpenDirectory());
  resources.defer(() => stopPostgres(directory.path));
  const start = (name: string, script: string): BenchChild =>
    resources.use(startChild({ name, args: [script] }));
  const upstream = start('upstream', 'test/bench/upstream.ts');
  const passThrough = start('pass-through', 'test/bench/pass-through.ts');
  const load = start('client', 'test/bench/load.ts');
  const upstreamUrl = await upstream.ask<string>('listen');
  const bareUrl = await passThrough.ask<string>('listen', upstreamUrl);
  const millrace = resources.use(startMillrace(upstreamUrl, directory.path, options));
  const url = await millrace.waitFor(/(http:\/\/127\.0\.0\.1:\d+)\/graphql/);
  return {
    upstream,
    load,
    bare: {
      name: 'bare',
      child: passThrough,
      kind: 'bare',
      url: bareUrl,
      readDatabaseCpu: async () => null,
    },
    millrace: {
      name: 'Millrace',
      child: millrace,
      kind: options.transport,
      url,
      readDatabaseCpu: () => readPostgresCpu(directory.path),
    },
  };
}

/** As an operator starts it, with the built-in Postgres in an empty directory. */
function startMillrace(upstreamUrl: string, dataDir: string, { profile }: BenchOptions): BenchChild {
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  return startChild({
    name: 'Millrace',
    args: [
      ...profiling,
      '--max-semi-space-size=16',
      '--import',
      './test/bench/probe.ts',
      'src/main.ts',
      'serve',
    ],
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      MILLRACE_MODE: 'production',
      MILLRACE_DATA_DIR: dataDir,
      LOG_LEVEL: 'silent',
      OPENAI_BASE_URL: `${upstreamUrl}/v1`,
      OPENAI_MODEL: 'bench',
    },
  });
}
