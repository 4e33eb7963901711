/** A backend that is silent or too slow is given up, and a caller that gives up is obeyed: the connection closes at once. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ResponseRequest, UpstreamEvent } from '../../../src/backend/backend.ts';
import { createBackend } from '../../../src/backend/client.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { type Script, stream, textResponse } from '../../support/fake-backend-script.ts';

const request: ResponseRequest = { model: 'm', instructions: '', input: [], tools: [] };
const answer = textResponse('one two three');
/** So many turns of the event loop without a byte more mean that the sender is held back. */
const STUCK_TURNS = 500;
const never = new AbortController().signal;

async function collect(batches: AsyncIterable<readonly UpstreamEvent[]>): Promise<readonly UpstreamEvent[]> {
  const events: UpstreamEvent[] = [];
  for await (const batch of batches) events.push(...batch);
  return events;
}

const stalls: readonly { readonly name: string; readonly script: Script; readonly limit: object }[] = [
  { name: 'no headers', script: { kind: 'silence' }, limit: { firstEventTimeoutMs: 400 } },
  {
    name: 'headers and no event',
    script: stream(answer, { breaks: { after: 0, how: 'stall' } }),
    limit: { firstEventTimeoutMs: 400 },
  },
  {
    name: 'silence in mid-stream',
    script: stream(answer, { breaks: { after: 3, how: 'stall' } }),
    limit: { idleTimeoutMs: 100 },
  },
  {
    name: 'a response without an end',
    script: stream(Array(10_000).fill(answer[4]), { eventsPerSecond: 100 }),
    limit: { turnTimeoutMs: 200 },
  },
];
test.each(stalls)(
  '$name beyond the limit is BACKEND_TIMEOUT, and the connection is closed',
  async ({ script, limit }) => {
    await using fake = await startFakeBackend();
    fake.reply(script);
    const backend = createBackend(toBackendConfig(fake.url, limit));
    await expect(collect(backend.streamResponse(request, never))).rejects.toMatchObject({
      code: 'BACKEND_TIMEOUT',
    });
    await fake.responses[0]?.closed;
    expect(fake.responses[0]?.aborted).toBe(true);
  },
);

test('a steady stream may take longer than the limits of silence', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(answer, { delayMs: () => 40 }));
  const backend = createBackend(toBackendConfig(fake.url, { firstEventTimeoutMs: 300, idleTimeoutMs: 300 }));
  expect(await collect(backend.streamResponse(request, never))).toEqual(answer);
});

test('a connection that is not made in time is BACKEND_TIMEOUT', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // The server accepts and never answers the TLS greeting, which is part of connecting.
  const backend = createBackend(toBackendConfig(`https://127.0.0.1:${port}/v1`, { connectTimeoutMs: 100 }));
  const failed = collect(backend.streamResponse(request, never));
  await expect(failed).rejects.toMatchObject({
    code: 'BACKEND_TIMEOUT',
    message: 'Unable to connect to fake in time',
  });
  for (const socket of sockets) socket.destroy();
  server.close();
});

test.each([
  { name: 'before the headers', script: { kind: 'silence' } as Script, count: 0 },
  {
    name: 'before the first event',
    script: stream(answer, { breaks: { after: 0, how: 'stall' } }),
    count: 0,
  },
  { name: 'in mid-stream', script: stream(answer, { breaks: { after: 3, how: 'stall' } }), count: 3 },
])(
  'an abort $name ends the stream quietly and closes the connection within a second',
  async ({ script, count }) => {
    await using fake = await startFakeBackend();
    fake.reply(script);
    const controller = new AbortController();
    const backend = createBackend(toBackendConfig(fake.url));
    const events: UpstreamEvent[] = [];
    const reading = (async () => {
      for await (const batch of backend.streamResponse(request, controller.signal)) {
        events.push(...batch);
        if (events.length === 3) controller.abort();
      }
    })();
    const sent = await fake.received(1);
    if (count === 0) controller.abort();
    const abortedAt = performance.now();
    await reading;
    await sent.closed;
    expect(performance.now() - abortedAt).toBeLessThan(1_000);
    expect(events).toEqual(answer.slice(0, count));
    expect(sent.aborted).toBe(true);
  },
);

test('a reader that stops reading closes the connection', async () => {
  await using fake = await startFakeBackend();
  fake.reply(stream(answer, { breaks: { after: 3, how: 'stall' } }));
  for await (const _batch of createBackend(toBackendConfig(fake.url)).streamResponse(request, never)) break;
  await fake.responses[0]?.closed;
  expect(fake.responses[0]?.aborted).toBe(true);
});

test('a caller that has given up before causes no request', async () => {
  await using fake = await startFakeBackend();
  const backend = createBackend(toBackendConfig(fake.url));
  expect(await collect(backend.streamResponse(request, AbortSignal.abort()))).toEqual([]);
  expect(fake.journal).toEqual([]);
});

test('a reader that does not pull holds the backend back', async () => {
  await using fake = await startFakeBackend();
  const big = { type: 'x', delta: 'x'.repeat(64 * 1024) };
  const total = 1_000;
  let sent = 0;
  fake.reply(
    stream(Array(total).fill(big), {
      delayMs: (index) => {
        sent = index;
        return 0;
      },
    }),
  );
  const batches = createBackend(toBackendConfig(fake.url))
    .streamResponse(request, never)
    [Symbol.asyncIterator]();
  await batches.next();
  for (let turns = 0, before = sent; turns < STUCK_TURNS; turns = sent === before ? turns + 1 : 0) {
    before = sent;
    await nextTurn();
  }
  expect(sent).toBeLessThan(total / 2);
  await batches.return?.();
});
