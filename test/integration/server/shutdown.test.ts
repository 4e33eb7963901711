import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../src/metrics.ts';
import { openFront } from '../../../src/server/front.ts';
import { createStartingEndpoints } from '../../../src/server/starting.ts';
import { openRawHttp, toPost, UPGRADE } from '../../support/raw-http.ts';
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

describe('P9: draining', () => {
  it('closes sockets with 1012 and cuts streams, each at a time of its own, and still answers requests', async () => {
    await using server = await startTransportServer();
    const sockets = await Promise.all([1, 2, 3, 4].map(() => openAcknowledged(server.socketUrl)));
    const streams = await Promise.all(
      [1, 2, 3, 4].map(() => openRawHttp(server.url, ...toPost('subscription{waits}'))),
    );
    await expect.poll(() => streams.filter((stream) => stream.text().includes('"waits":1'))).toHaveLength(4);
    const startedAt = performance.now();
    const times: number[] = [];
    const leaving = [...sockets.map(({ closed }) => closed), ...streams.map(({ ended }) => ended)];
    for (const left of leaving) left.then(() => times.push(performance.now() - startedAt));
    await server.drain(800);
    const codes = await Promise.all(sockets.map(async ({ closed }) => (await closed).code));
    expect(codes).toEqual([1012, 1012, 1012, 1012]);
    for (const { ended } of streams) expect(await ended).not.toContain('complete');
    // The last of eight leaves in the last eighth, the first one in the first: they are at least six parts apart.
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(500);
    expect((await post(server.endpoint, { query: '{hello}' })).status).toBe(200);
  });

  it('refuses new sockets with 503 and when to come again', async () => {
    await using server = await startTransportServer();
    await server.drain(1);
    const refused = await openRawHttp(server.url, ...UPGRADE);
    const answer = await refused.ended;
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toContain('\r\nretry-after: 1\r\n');
    expect(answer).toContain('"code":"SHUTTING_DOWN"');
    expect(await refusedUpgrade(server.socketUrl)).toBe(503);
  });

  it('closes each connection behind its answer', async () => {
    await using server = await startTransportServer();
    const kept = await openRawHttp(server.url, 'GET /livez HTTP/1.1', 'host: localhost', '', '');
    await expect.poll(() => kept.text()).toContain('alive');
    expect(kept.text()).not.toMatch(/connection: close/i);
    await server.drain(1);
    kept.socket.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(await kept.ended).toMatch(/200 OK[\s\S]*200 OK[\s\S]*connection: close/i);
  });

  it('lets a stream that begins later go on until everything is closed', async () => {
    const server = await startTransportServer();
    await server.drain(1);
    const late = await openRawHttp(server.url, ...toPost('subscription{waits}'));
    await expect.poll(() => late.text()).toContain('"waits":1');
    await server[Symbol.asyncDispose]();
    expect(await late.ended).not.toContain('complete');
  });

  it('is over at once when nobody is connected', async () => {
    await using server = await startTransportServer();
    const startedAt = performance.now();
    await server.drain(60_000);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe('starting', () => {
  it('on a port that is taken fails with one line that says what to do', async () => {
    await using server = await startTransportServer();
    const { config } = server.deps;
    const taken = { server: { ...config.server, port: server.port } };
    const deps = { config: taken, log: server.deps.log, metrics: createMetrics() };
    await expect(openFront(deps, createStartingEndpoints(new Map()))).rejects.toMatchObject({
      name: 'AppError',
      message: `127.0.0.1:${server.port} is taken by another process; choose another port with PORT or --port`,
    });
  });
});
