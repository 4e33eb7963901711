/** A node as a real process, on a database that is there, with leases as short as a test wants them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startProcess, type TestProcess } from './child-process.ts';
import { ROOT } from './source-files.ts';

export interface NodeProcessOptions {
  readonly databaseUrl: string;
  /** Base URL of the fake backend. */
  readonly backend: string;
  readonly leaseMs: number;
  /** By how much its wall clock is wrong. */
  readonly clockShiftMs?: number;
}

/** Disposing kills the process. */
export interface NodeProcess extends AsyncDisposable {
  /** The GraphQL endpoint over HTTP. */
  readonly graphql: string;
  /** The GraphQL endpoint over WebSocket. */
  readonly ws: string;
  send: TestProcess['send'];
}

/** Resolves when the node serves. */
export async function startNodeProcess(options: NodeProcessOptions): Promise<NodeProcess> {
  const { databaseUrl, backend, leaseMs, clockShiftMs } = options;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-node-'));
  const config = join(folder, 'millrace.yaml');
  await writeFile(config, JSON.stringify({ turns: { leaseMs } }));
  const preload = pathToFileURL(join(ROOT, 'test/support/shifted-clock.ts'));
  const process = startProcess('src/main.ts', ['serve'], {
    DATABASE_URL: databaseUrl,
    OPENAI_BASE_URL: backend,
    OPENAI_API_KEY: 'key',
    MILLRACE_CONFIG: config,
    PORT: '0',
    LOG_LEVEL: 'error',
    ...(clockShiftMs !== undefined && {
      CLOCK_SHIFT_MS: String(clockShiftMs),
      NODE_OPTIONS: `--import ${preload}`,
    }),
  });
  const screen = await process.waitFor('Ctrl+C');
  const graphql = /http:\/\/127\.0\.0\.1:\d+\/graphql/.exec(screen)?.[0] ?? '';
  return {
    graphql,
    ws: graphql.replace('http', 'ws'),
    send: process.send,
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
