/** The real process before it is ready: what it waits for, what it says meanwhile, and what it does not wait for. */
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startProcess, type TestProcess } from '../support/child-process.ts';
import {
  createDatabase,
  createOpenDirectory,
  startTestPostgres,
  type TestPostgres,
} from '../support/postgres.ts';
import { openRawHttp } from '../support/raw-http.ts';
import { refusedUpgrade } from '../support/raw-socket.ts';

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:1/v1';
const CLOSED_DATABASE = 'postgres://me:hunter2@127.0.0.1:1/millrace';
/** Well below what a start may wait, far above what a busy machine takes to notice. */
const AT_ONCE_MS = 60_000;
/** A real process takes seconds to start, on a busy machine many. */
vi.setConfig({ testTimeout: 180_000 });

interface Node {
  readonly process: TestProcess;
  readonly url: string;
}

/** Somebody else may take it before it is used; then the test fails by that. */
async function chooseFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

async function start(env: Readonly<Record<string, string>>): Promise<Node> {
  const port = String(await chooseFreePort());
  const process = startProcess('src/main.ts', ['serve'], {
    OPENAI_BASE_URL: NOWHERE,
    LOG_LEVEL: 'error',
    PORT: port,
    ...env,
  });
  return { process, url: `http://127.0.0.1:${port}` };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Undefined while the port is closed. */
async function ask(node: Node, path: string): Promise<Answer | undefined> {
  const response = await fetch(`${node.url}${path}`).catch(() => undefined);
  return response && { status: response.status, body: await response.json() };
}

async function untilWaiting(node: Node, reason: string): Promise<void> {
  await expect
    .poll(() => ask(node, '/readyz'), { timeout: AT_ONCE_MS, interval: 200 })
    .toEqual({ status: 503, body: { status: 'not ready', reasons: [reason] } });
}

const READY = { status: 200, body: { status: 'ready' } };

describe('a start before its database', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('opens the port, says what it waits for, and serves on the same connections when the database is there', async () => {
    const url = await createDatabase(server.url);
    await server.stop();
    const node = await start({ DATABASE_URL: url });
    await using _process = node.process;
    await untilWaiting(node, 'waiting for the database: ECONNREFUSED');
    expect(await ask(node, '/livez')).toMatchObject({ status: 200 });
    const question = await fetch(`${node.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect(question.status).toBe(503);
    expect(question.headers.get('retry-after')).toBe('1');
    expect(await question.json()).toMatchObject({
      errors: [{ extensions: { code: 'DEPENDENCY_UNAVAILABLE', retryable: true, retryAfterMs: 1_000 } }],
    });
    expect(await refusedUpgrade(`${node.url.replace('http', 'ws')}/graphql`)).toBe(503);
    const kept = await openRawHttp(node.url, 'GET /livez HTTP/1.1', 'host: localhost', '', '');
    await expect.poll(() => kept.text()).toContain('alive');

    await server.start();
    await node.process.waitFor('is ready');
    expect(await ask(node, '/readyz')).toEqual(READY);
    kept.socket.write('GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await expect.poll(() => kept.text()).toContain('"ready"');
    node.process.send('SIGTERM');
    expect(await node.process.exit).toMatchObject({ code: 0, err: '' });
  });

  it('waits for another node that migrates for long', async () => {
    const url = await createDatabase(server.url);
    const sql = postgres(url, { max: 1 });
    await sql`SELECT pg_advisory_lock(7174083202)`;
    const node = await start({ DATABASE_URL: url });
    await using _process = node.process;
    await untilWaiting(node, 'waiting for another node that migrates the database');
    await sql.end();
    await node.process.waitFor('is ready');
  });

  it('gives up at once, in one line, on wrong credentials and an unknown database', async () => {
    const wrong = new URL(server.url);
    wrong.password = 'hunter2';
    const unknown = new URL(server.url);
    unknown.pathname = '/nowhere';
    for (const { href } of [wrong, unknown]) {
      const node = await start({ DATABASE_URL: href });
      await using _process = node.process;
      const { code, err } = await node.process.exit;
      expect(err).toMatch(/^millrace: [^\n]*DATABASE_URL[^\n]*\n$/);
      expect(err).not.toContain('hunter2');
      expect(code).toBe(1);
    }
  });
});

it('SIGTERM ends a start that waits at once, with 0', async () => {
  const node = await start({ DATABASE_URL: CLOSED_DATABASE });
  await using _process = node.process;
  await untilWaiting(node, 'waiting for the database: ECONNREFUSED');
  const startedAt = performance.now();
  node.process.send('SIGTERM');
  expect(await node.process.exit).toMatchObject({ code: 0, err: '' });
  expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS);
});

it('a start gives up on its database when the time is over, in one line and with 1', async () => {
  await using directory = await createOpenDirectory();
  const file = join(directory.path, 'millrace.yaml');
  await writeFile(file, 'database:\n  startupTimeoutMs: 1000\n');
  const node = await start({ DATABASE_URL: CLOSED_DATABASE, MILLRACE_CONFIG: file });
  await using _process = node.process;
  const { code, err } = await node.process.exit;
  expect(err).toMatch(
    /^millrace: Gave up after 1 s of waiting for the database: ECONNREFUSED; [^\n]*DATABASE_URL[^\n]*\n$/,
  );
  expect(err).not.toContain('hunter2');
  expect(code).toBe(1);
});

it('a port that is taken is told in one line before anything else is started', async () => {
  await using directory = await createOpenDirectory();
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const node = await start({ MILLRACE_DATA_DIR: directory.path, PORT: port });
  await using _process = node.process;
  expect(await node.process.exit).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(/^millrace: \S+ is taken by another process; choose another port [^\n]*\n$/),
  });
  expect(await readdir(directory.path)).toEqual([]);
  taken.close();
});
