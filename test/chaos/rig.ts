/** Everything that a scenario runs on: one Postgres, the backend, the clients and some nodes, each a process of its own. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { type BenchChild, startChild } from '../bench/child.ts';
import { UNLIMITED } from '../support/limits.ts';
import { createOpenDirectory, startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import type { Evidence } from './check/checker.ts';
import type { Call, ClientOutcome } from './check/types.ts';
import type { LoadTask } from './clients/client-task.ts';
import type { LoadProgress } from './clients/main.ts';
import { type ChaosNode, createNode } from './node.ts';
import { countRunning, readBalances, readLedger, readTurns } from './read-turns.ts';

export interface RigOptions {
  readonly nodes: number;
  /** Whether the network between clients, nodes and Postgres can be broken; absent: it cannot. */
  readonly proxied?: boolean;
  /** Whether all turns are charged to one balance, whose row they wait for; absent: they are. */
  readonly isLimited?: boolean;
  /** Lease of a turn; absent: the server's own. */
  readonly leaseMs?: number;
  /** How long running turns may go on when their node is told to stop; absent: the server's own. */
  readonly drainMs?: number;
  /** Further environment of each node. */
  readonly env?: (index: number) => Readonly<Record<string, string>>;
  /** Folder for what the nodes say; absent: only the newest lines are kept. */
  readonly logs?: string | undefined;
}

export interface Rig {
  readonly postgres: TestPostgres;
  /** Straight to Postgres, for what the harness itself asks. */
  readonly sql: Sql;
  /** All of them are up. */
  readonly nodes: readonly ChaosNode[];
  /** Lets the clients begin; one load at a time. */
  startLoad(load: Omit<LoadTask, 'urls'>): Promise<void>;
  readProgress(): Promise<LoadProgress>;
  /** Clients that have not begun yet never will. */
  closeLoad(): Promise<void>;
  /** Resolves when all clients have ended, or have been given up, with what became of them. */
  finishLoad(): Promise<readonly ClientOutcome[]>;
  /** Waits until nothing runs any more, for at most so long, and collects what there is to check. */
  collect(clients: readonly ClientOutcome[], patienceMs: number): Promise<Evidence>;
}

/** A crash of Postgres keeps what was committed; nothing here crashes the machine. Connections for the hogs, too. */
const SETTINGS = ['synchronous_commit=on', 'max_connections=80'];
const POOL_SIZE = 10;
/** Never used up: what counts is that each turn is charged once. All turns meet in its one row. */
const LIMITERS = [{ name: 'chaos', kind: 'CLUSTER', initialQuota: 1_000_000_000_000, period: '1 year' }];
const LOOK_MS = 200;

/** Starts all processes; `resources` ends them. */
export async function startRig(options: RigOptions, resources: AsyncDisposableStack): Promise<Rig> {
  const server = resources.use(await startTestPostgres(SETTINGS));
  const sql = resources.adopt(
    postgres(server.url, { max: 2, onnotice: () => {}, idle_timeout: 1 }),
    (driver) => driver.end({ timeout: 1 }),
  );
  const start = (name: string, script: string): BenchChild =>
    resources.use(startChild({ name, args: [script] }));
  const backend = start('backend', 'test/chaos/backend.ts');
  const clients = start('clients', 'test/chaos/clients/main.ts');
  const backendUrl = await backend.ask<string>('listen');
  const nodes = await startNodes(options, { databaseUrl: server.url, backendUrl, resources });

  return {
    postgres: server,
    sql,
    nodes,
    startLoad: (load) => clients.ask('start', { ...load, urls: nodes.map((node) => node.url) }),
    readProgress: () => clients.ask('progress'),
    closeLoad: () => clients.ask('close'),
    finishLoad: () => clients.ask('finish'),
    async collect(outcomes, patienceMs) {
      const deadline = performance.now() + patienceMs;
      while ((await countRunning(sql)) > 0 && performance.now() < deadline) await sleep(LOOK_MS);
      return {
        clients: outcomes,
        turns: await readTurns(sql),
        journal: await backend.ask<readonly Call[]>('journal'),
        ledger: await readLedger(sql),
        balances: await readBalances(sql),
      };
    },
  };
}

interface Surroundings {
  readonly databaseUrl: string;
  readonly backendUrl: string;
  readonly resources: AsyncDisposableStack;
}

/** One after the other: the first migrates the database, and two cores start no two faster. */
async function startNodes(options: RigOptions, around: Surroundings): Promise<readonly ChaosNode[]> {
  const { resources, databaseUrl, backendUrl } = around;
  const directory = resources.use(await createOpenDirectory());
  const configFile = join(directory.path, 'millrace.yaml');
  const { leaseMs, drainMs } = options;
  // Without authentication all clients are one viewer.
  const settings = {
    database: { poolSize: POOL_SIZE },
    turns: { leaseMs, drainMs },
    limits: UNLIMITED,
    quotas: { limiters: options.isLimited === false ? [] : LIMITERS },
  };
  await writeFile(configFile, JSON.stringify(settings));
  const nodes: ChaosNode[] = [];
  for (let index = 0; index < options.nodes; index++) {
    const name = `node-${index + 1}`;
    const env = {
      MILLRACE_CONFIG: configFile,
      MILLRACE_DATA_DIR: directory.path,
      NODE_COMPILE_CACHE: join(directory.path, 'compiled'),
      LOG_LEVEL: 'warn',
      OPENAI_BASE_URL: `${backendUrl}/${name}/v1`,
      OPENAI_API_KEY: 'key',
      OPENAI_MODEL: 'chaos',
      ...options.env?.(index),
    };
    const logFile = options.logs === undefined ? undefined : join(options.logs, `${name}.log`);
    const node = resources.use(
      await createNode({ name, databaseUrl, env, logFile, proxied: options.proxied ?? false }),
    );
    await node.start();
    nodes.push(node);
  }
  return nodes;
}
