import { describe, expect, it } from 'vitest';
import { startServer } from '../../../src/server/server.ts';
import { openRawHttp, toPost } from '../../support/raw-http.ts';
import { openAcknowledged, refusedUpgrade } from '../../support/raw-socket.ts';
import { post, startTransportServer } from '../../support/transport-server.ts';

const WAITS = { id: '1', type: 'subscribe', payload: { query: 'subscription{waits}' } };

describe('disposing of the server', () => {
  it('closes WebSockets with 1012, ends streams without a completion, and frees the port', async () => {
    const server = await startTransportServer();
    const raw = await openAcknowledged(server.socketUrl);
    raw.send(WAITS);
    const stream = await openRawHttp(server.url, ...toPost('subscription{waits}'));
    await expect.poll(() => server.seen.started).toEqual(['waits', 'waits']);
    await expect.poll(() => stream.text()).toContain('"waits":1');
    await server[Symbol.asyncDispose]();
    expect((await raw.closed).code).toBe(1012);
    expect(await stream.ended).not.toContain('complete');
    expect(server.seen.aborted).toEqual(['waits', 'waits']);
    await expect(fetch(server.url)).rejects.toThrow();
  });

  it('takes no longer than its bound for a peer that does not answer', async () => {
    const server = await startTransportServer();
    const raw = await openAcknowledged(server.socketUrl);
    raw.socket.pause();
    const started = performance.now();
    await server[Symbol.asyncDispose]();
    expect(performance.now() - started).toBeLessThan(7_000);
  });
});

describe('draining', () => {
  it('spreads the closing of sockets, refuses new ones, and still answers requests', async () => {
    await using server = await startTransportServer();
    const sockets = await Promise.all([1, 2, 3].map(() => openAcknowledged(server.socketUrl)));
    const times: number[] = [];
    for (const { closed } of sockets) closed.then(() => times.push(performance.now()));
    await server.drain(300);
    const codes = await Promise.all(sockets.map(async ({ closed }) => (await closed).code));
    expect(codes).toEqual([1012, 1012, 1012]);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(150);
    expect(await refusedUpgrade(server.socketUrl)).toBe(503);
    expect((await post(server.endpoint, { query: '{hello}' })).status).toBe(200);
  });
});

describe('starting', () => {
  it('on a port that is taken fails with one line that says what to do', async () => {
    await using server = await startTransportServer();
    const { config } = server.deps;
    const taken = { ...config, server: { ...config.server, port: server.port } };
    await expect(startServer({ ...server.deps, config: taken })).rejects.toMatchObject({
      name: 'AppError',
      message: `127.0.0.1:${server.port} is taken by another process; choose another port with PORT or --port`,
    });
  });
});
