import { describe, expect, it } from 'vitest';
import { openRawHttp, toPost } from '../support/raw-http.ts';
import { openAcknowledged } from '../support/raw-socket.ts';
import { startTransportServer, type TransportServer } from '../support/transport-server.ts';
import { connectSocket } from '../support/transports.ts';

describe('a stock graphql-ws client', () => {
  it('subscribes again after a drop with the same operation id, which the resolver sees', async () => {
    await using server = await startTransportServer();
    let drop = (): void => {};
    const client = connectSocket(server.socketUrl, {
      retryAttempts: 3,
      retryWait: async () => {},
      on: {
        connected: (socket) => {
          drop = () => (socket as { terminate(): void }).terminate();
        },
      },
    });
    client.subscribe(
      { query: 'subscription { waits }' },
      { next: () => {}, error: () => {}, complete: () => {} },
    );
    await expect.poll(() => server.seen.started).toHaveLength(1);
    drop();
    await expect.poll(() => server.seen.started).toHaveLength(2);
    const [first, second] = server.seen.operationIds;
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).toBe(first);
    await client.dispose();
  });
});

describe('a syntax error over a WebSocket', () => {
  it('is an error of its operation and closes nothing', async () => {
    await using server = await startTransportServer();
    const raw = await openAcknowledged(server.socketUrl);
    raw.send({ id: 'sibling', type: 'subscribe', payload: { query: 'subscription { waits }' } });
    raw.send({ id: 'wrong', type: 'subscribe', payload: { query: '}' } });
    const error = await raw.receive(({ id }) => id === 'wrong');
    expect(error).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }],
    });
    expect(raw.socket.readyState).toBe(raw.socket.OPEN);
    expect(server.seen.aborted).toEqual([]);
  });
});

/** Counts how often the server hands bytes to the system from now on. */
function countWrites({ server }: TransportServer): { readonly writes: number } {
  const counter = { writes: 0 };
  const count = <Parameters extends unknown[]>(write: (...parameters: Parameters) => void) =>
    function (this: unknown, ...parameters: Parameters): void {
      counter.writes += 1;
      write.apply(this, parameters);
    };
  server.on('connection', (socket) => {
    socket._write = count(socket._write);
    if (socket._writev) socket._writev = count(socket._writev);
  });
  return counter;
}

describe('events that come together', () => {
  const events = 2_000;
  const query = `subscription { ticks(n: ${events}) }`;

  it('leave in few writes over a WebSocket', async () => {
    await using server = await startTransportServer();
    const counter = countWrites(server);
    const raw = await openAcknowledged(server.socketUrl);
    raw.send({ id: '1', type: 'subscribe', payload: { query } });
    await raw.receive(({ type }) => type === 'complete');
    expect(raw.messages.filter(({ type }) => type === 'next')).toHaveLength(events);
    expect(counter.writes).toBeLessThan(events / 10);
    expect(counter.writes).toBeGreaterThan(0);
  });

  it('leave in few writes as server-sent events', async () => {
    await using server = await startTransportServer();
    const counter = countWrites(server);
    const raw = await openRawHttp(server.url, ...toPost(query));
    await expect.poll(() => raw.text()).toContain('event: complete');
    expect(counter.writes).toBeLessThan(events / 10);
    expect(counter.writes).toBeGreaterThan(0);
    raw.socket.destroy();
  });
});
