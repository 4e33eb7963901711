/** One node of Millrace as a real process, on one port for all its lives; between two proxies where the network is to break. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 60_000;
const KEEP_LINES = 200;

export interface NodeOptions {
  readonly name: string;
  /** Of the Postgres server itself. */
  readonly databaseUrl: string;
  /** Whether its clients and Postgres are behind proxies, which cost time. */
  readonly proxied: boolean;
  /** Beside PATH, the whole environment, but for the address of the database. */
  readonly env: Readonly<Record<string, string>>;
  /** File that receives what the process says on standard error. */
  readonly logFile?: string | undefined;
}

export interface NodeExit {
  /** Whether the harness had asked for it. */
  readonly wanted: boolean;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface NodeProxies {
  readonly front: TcpProxy;
  readonly database: TcpProxy;
}

/** Disposing kills the process. */
export interface ChaosNode extends AsyncDisposable {
  readonly name: string;
  /** Root as clients see it, the same for all processes that this node ever is. */
  readonly url: string;
  /** Towards its clients, and towards Postgres. */
  readonly proxies: NodeProxies | undefined;
  readonly isUp: boolean;
  /** Every end of a process of this node. */
  readonly exits: readonly NodeExit[];
  /** Every fault that struck, as the process told it: point, action and hit. */
  readonly faults: readonly string[];
  /** Starts the process and resolves when it serves; rejects when it ends before. */
  start(env?: Readonly<Record<string, string>>): Promise<void>;
  /** Sends a signal; one that ends the process makes the end a wanted one. */
  signal(signal: NodeJS.Signals): void;
  /** Says that the process may end by itself now. */
  expectExit(): void;
  /** Resolves when the process that runs now has ended. */
  exited(): Promise<void>;
  /** Resolves with the first line on standard error from now on that matches; undefined when the process ends, or by the signal. */
  waitForLine(pattern: RegExp, signal: AbortSignal): Promise<string | undefined>;
}

/** What is known of the process of the moment. */
interface Running {
  readonly child: ChildProcess;
  readonly closed: Promise<unknown>;
  wanted: boolean;
}

const ENDS: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGTERM', 'SIGINT'];

/** Tells whole lines as they come. */
function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

/** Resolves when the process serves; rejects when it ends, or says nothing for too long. */
async function waitUntilServing(child: ChildProcess, lastLine: () => string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (out.includes('http://127.0.0.1:')) resolve();
  });
  const timer = setTimeout(() => reject(new Error(`it did not serve in time; ${lastLine()}`)), START_MS);
  child.once('close', (code, signal) => reject(new Error(`it ended with ${code ?? signal}; ${lastLine()}`)));
  return promise.finally(() => clearTimeout(timer));
}

async function startProxies(port: number, databaseUrl: string): Promise<NodeProxies> {
  const { hostname: host, port: databasePort } = new URL(databaseUrl);
  return {
    front: await startTcpProxy({ host: '127.0.0.1', port }),
    database: await startTcpProxy({ host, port: Number(databasePort) }),
  };
}

/** Of a proxy that is gone again. */
async function findFreePort(): Promise<number> {
  await using proxy = await startTcpProxy();
  return proxy.port;
}

export async function createNode(options: NodeOptions): Promise<ChaosNode> {
  const { name, databaseUrl, logFile } = options;
  const port = await findFreePort();
  const proxies = options.proxied ? await startProxies(port, databaseUrl) : undefined;
  const server = new URL(databaseUrl);
  if (proxies) server.port = String(proxies.database.port);
  const listeners = new Set<(line: string) => void>();
  const exits: NodeExit[] = [];
  const lines: string[] = [];
  const faults: string[] = [];
  let running: Running | undefined;
  let isUp = false;

  const onLine = (line: string): void => {
    lines.push(line);
    if (lines.length > KEEP_LINES) lines.shift();
    const [, fault] = /^millrace: fault (.+)$/.exec(line) ?? [];
    if (fault !== undefined) faults.push(fault);
    if (logFile !== undefined) appendFileSync(logFile, `${line}\n`);
    for (const listener of listeners) listener(line);
  };
  const launch = (env: Readonly<Record<string, string>>): ChildProcess => {
    const child = spawn(process.execPath, ['--import', './test/chaos/leash.ts', 'src/main.ts', 'serve'], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, ...options.env, DATABASE_URL: server.href, PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    readLines(child, onLine);
    const mine: Running = { child, closed: once(child, 'close'), wanted: false };
    child.once('close', (code, signal) => {
      exits.push({ wanted: mine.wanted, code, signal });
      isUp = false;
      if (running === mine) running = undefined;
    });
    running = mine;
    return child;
  };

  return {
    name,
    url: `http://127.0.0.1:${proxies?.front.port ?? port}`,
    proxies,
    exits,
    faults,
    get isUp() {
      return isUp;
    },
    async start(env = {}) {
      const child = launch(env);
      await waitUntilServing(child, () => lines.at(-1) ?? '');
      isUp = true;
    },
    signal(signal) {
      if (running === undefined) return;
      if (ENDS.includes(signal)) running.wanted = true;
      running.child.kill(signal);
    },
    expectExit() {
      if (running) running.wanted = true;
    },
    exited: async () => void (await running?.closed),
    waitForLine(pattern, signal) {
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      const look = (line: string): void => {
        if (pattern.test(line)) resolve(line);
      };
      listeners.add(look);
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
      void running?.closed.then(() => resolve(undefined));
      return promise.finally(() => listeners.delete(look));
    },
    async [Symbol.asyncDispose]() {
      if (running) {
        running.wanted = true;
        // A stopped process takes SIGKILL, too.
        running.child.kill('SIGKILL');
        await running.closed;
      }
      await Promise.all([proxies?.front, proxies?.database].map((proxy) => proxy?.[Symbol.asyncDispose]()));
    },
  };
}
