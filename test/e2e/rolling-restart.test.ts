/** A deploy as clients see it: real processes on one database, one after the other told to stop while answers are streamed. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { delay } from '../../src/lib/abort.ts';
import { startProcess, type TestProcess } from '../support/child-process.ts';
import { createTestDatabase } from '../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../support/fake-backend-script.ts';
import { UNLIMITED } from '../support/limits.ts';
import { createOpenDirectory } from '../support/postgres.ts';

vi.setConfig({ testTimeout: 240_000 });

const STREAMS = 30;
const TEXT = 'High tide comes twice a day, and the moon has most to do with it.';
/** For what has to happen some time, on a machine that has other things to do. */
const PATIENCE = { timeout: 120_000, interval: 100 };

interface Node {
  readonly process: TestProcess;
  readonly url: string;
  readonly port: number;
}

async function startNode(databaseUrl: string, fake: FakeBackend, configFile: string): Promise<Node> {
  const process = startProcess('src/main.ts', ['serve'], {
    DATABASE_URL: databaseUrl,
    OPENAI_BASE_URL: fake.url,
    MILLRACE_CONFIG: configFile,
    PORT: '0',
    LOG_LEVEL: 'error',
  });
  const [url = '', port = ''] = /http:\/\/127\.0\.0\.1:(\d+)/.exec(await process.waitFor('Ctrl+C')) ?? [];
  return { process, url, port: Number(port) };
}

/** Gives each connection to the next node in turn, as a balancer that asks for nobody's health. */
async function startBalancer(ports: Set<number>): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer((client) => {
    turn += 1;
    const target = connect([...ports][turn % ports.size] ?? 0, '127.0.0.1');
    for (const [socket, other] of [[client, target] as const, [target, client] as const]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .once('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
      socket.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface SeenEvent {
  readonly __typename: string;
  readonly token?: string;
  readonly answer?: string;
}

interface Asker {
  text: string;
  answer: string | undefined;
  /** Names of the events that may end a turn. */
  readonly ends: string[];
  /** When the server sent it away, by the monotonic clock. */
  readonly sentAway: number[];
  readonly done: Promise<void>;
}

const QUERY = `subscription { event: streamingQuery(input: { query: "When is high tide?" })
  { __typename ... on TokenEvent { token } ... on TurnCompleteEvent { answer } } }`;

/** A stock client, with no key and no cursor: it sends its subscription again, and that is all. */
function ask(url: string): Asker {
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    shouldRetry: () => true,
    retryAttempts: 10_000,
    retryWait: () => delay(50 + Math.random() * 200),
    on: {
      closed: (event) => {
        if ((event as { readonly code: number }).code === 1012) asker.sentAway.push(performance.now());
      },
    },
  });
  const follow = async (): Promise<void> => {
    for await (const { data, errors } of client.iterate<{ event: SeenEvent }>({ query: QUERY })) {
      if (errors || !data) throw new Error(JSON.stringify(errors));
      take(asker, data.event);
    }
    await client.dispose();
  };
  const asker: Asker = {
    text: '',
    answer: undefined,
    ends: [],
    sentAway: [],
    get done() {
      return done;
    },
  };
  const done = follow();
  return asker;
}

function take(asker: Asker, { __typename: name, token, answer }: SeenEvent): void {
  if (name === 'StartEvent') asker.text = '';
  asker.text += token ?? '';
  asker.answer ??= answer;
  if (['EndEvent', 'ErrorEvent', 'InterruptedEvent'].includes(name)) asker.ends.push(name);
}

/** Milliseconds from the first to the last. */
const spreadOf = (times: readonly number[]): number => Math.max(...times) - Math.min(...times);

const readyStatus = async ({ url }: Node): Promise<number> => (await fetch(`${url}/readyz`)).status;

it('P9: nodes that are replaced one after the other fail no turn, and clients leave them at spread-out times', async () => {
  const gate = createGate();
  await using database = await createTestDatabase();
  await using folder = await createOpenDirectory();
  const configFile = join(folder.path, 'millrace.yaml');
  await writeFile(configFile, JSON.stringify({ limits: UNLIMITED }));
  await using fake = await startFakeBackend({
    onResponse: () => stream(textResponse(TEXT), { holds: { 8: gate } }),
  });
  const [first, second] = await Promise.all([
    startNode(database.url, fake, configFile),
    startNode(database.url, fake, configFile),
  ]);
  await using _first = first.process;
  await using _second = second.process;
  const ports = new Set([first.port, second.port]);
  await using balancer = await startBalancer(ports);
  const askers = Array.from({ length: STREAMS }, () => ask(`ws://127.0.0.1:${balancer.port}/graphql`));
  const allSaid = () => askers.filter(({ text }) => text.startsWith('High tide')).length;
  await expect.poll(allSaid, PATIENCE).toBe(STREAMS);

  /** The node is told to stop; resolves with the times at which those who followed there were sent away. */
  const replace = async (old: Node): Promise<readonly number[]> => {
    const since = performance.now();
    old.process.send('SIGTERM');
    await expect.poll(() => readyStatus(old), PATIENCE).toBe(503);
    ports.delete(old.port);
    await old.process.waitFor('running');
    const leaving = () => askers.flatMap(({ sentAway }) => sentAway).filter((time) => time > since);
    await expect.poll(() => leaving().length, PATIENCE).toBeGreaterThanOrEqual(STREAMS / 2);
    return leaving();
  };

  const fromFirst = await replace(first);
  const third = await startNode(database.url, fake, configFile);
  await using _third = third.process;
  ports.add(third.port);
  const fromSecond = await replace(second);
  await expect.poll(allSaid, PATIENCE).toBe(STREAMS);
  gate.release();
  await Promise.all(askers.map(({ done }) => done));

  expect(askers.map(({ text }) => text)).toEqual(Array(STREAMS).fill(TEXT));
  expect(askers.map(({ answer }) => answer)).toEqual(Array(STREAMS).fill(TEXT));
  expect(askers.map(({ ends }) => ends)).toEqual(Array(STREAMS).fill(['EndEvent']));
  expect(fake.responses).toHaveLength(STREAMS);
  for (const times of [fromFirst, fromSecond]) expect(spreadOf(times)).toBeGreaterThan(500);
  expect(await first.process.exit).toMatchObject({ code: 0, err: '' });
  expect(await second.process.exit).toMatchObject({ code: 0, err: '' });
});
