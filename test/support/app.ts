/** The whole application for a test: a database of its own, a free port, and a check that nothing stays open. */
import { createApp } from '../../src/app.ts';
import { type Config, type ConfigInput, configSchema } from '../../src/config/config.ts';
import type { App } from '../../src/types/app.ts';
import { createTestDatabase } from './database.ts';
import { UNLIMITED } from './limits.ts';

export interface TestApp extends AsyncDisposable {
  /** Root of the server, without a path. */
  readonly url: string;
  /** The GraphQL endpoint over HTTP. */
  readonly graphql: string;
  /** The GraphQL endpoint over WebSocket. */
  readonly ws: string;
  readonly databaseUrl: string;
  /** As a signal makes a process do. */
  drain(): Promise<void>;
}

export interface TestAppOptions {
  /** Base URL of the one backend, named `fake`; absent: the built-in responder. */
  readonly backend?: string;
  readonly config?: ConfigInput;
  /** Absent: a fresh database, dropped at the end. */
  readonly databaseUrl?: string;
}

/** What keeps a process alive and is ours to close. */
const WATCHED = new Set(['TCPSocketWrap', 'TCPServerWrap']);
const CLOSE_TIMEOUT_MS = 5_000;

function countOpen(): number {
  return process.getActiveResourcesInfo().filter((name) => WATCHED.has(name)).length;
}

async function requireClosed(before: number): Promise<void> {
  const deadline = Date.now() + CLOSE_TIMEOUT_MS;
  while (countOpen() > before) {
    if (Date.now() > deadline) throw new Error(`${countOpen() - before} sockets stayed open`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function toTestConfig(options: TestAppOptions, databaseUrl: string): Config {
  const backends = options.backend === undefined ? [] : [{ id: 'fake', baseUrl: options.backend }];
  const { server, database, limits, ...rest } = options.config ?? {};
  const { openai: _openai, ...settings } = configSchema.parse({
    logLevel: 'silent',
    backends,
    limits: { ...UNLIMITED, ...limits },
    ...rest,
    server: { port: 0, ...server },
    database: { url: databaseUrl, poolSize: 5, ...database },
  });
  return { ...settings, mode: settings.mode ?? 'development' };
}

/** An application that is to be closed before it is looked whether anything stays open. */
async function openApp(options: TestAppOptions, databaseUrl: string): Promise<TestApp> {
  const app: App = await createApp(toTestConfig(options, databaseUrl));
  return {
    url: app.url,
    graphql: `${app.url}/graphql`,
    ws: `${app.url.replace('http', 'ws')}/graphql`,
    databaseUrl,
    drain: () => app.drain(),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

/** `await using app = await startTestApp({ backend: fake.url })` */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const database = options.databaseUrl === undefined ? await createTestDatabase() : undefined;
  const before = countOpen();
  const app = await openApp(options, options.databaseUrl ?? database?.url ?? '');
  return {
    ...app,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await requireClosed(before);
      await database?.[Symbol.asyncDispose]();
    },
  };
}

export interface TestNodes extends AsyncDisposable {
  readonly nodes: readonly [TestApp, TestApp];
}

/** Two nodes on one database: only together can it be told what they left open. */
export async function startTestNodes(options: Omit<TestAppOptions, 'databaseUrl'> = {}): Promise<TestNodes> {
  const database = await createTestDatabase();
  const before = countOpen();
  const nodes = [await openApp(options, database.url), await openApp(options, database.url)] as const;
  return {
    nodes,
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]();
      await requireClosed(before);
      await database[Symbol.asyncDispose]();
    },
  };
}
