/** How much one viewer, one address and one WebSocket may ask for: refused with a code, on every transport, while the rest goes on. */
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../src/config/config.ts';
import { SENDERS, type SenderName } from '../../support/attack-senders.ts';
import { openRawHttp, toPost, UPGRADE } from '../../support/raw-http.ts';
import { openAcknowledged, openRawSocket, refusedUpgrade } from '../../support/raw-socket.ts';
import { post, startTransportServer, type TransportServer } from '../../support/transport-server.ts';

/** Who asks is said by a header, or by the first message of a WebSocket. */
function start(
  limits: ConfigInput['limits'],
  config: Omit<ConfigInput, 'limits'> = {},
): Promise<TransportServer> {
  return startTransportServer({
    config: { ...config, limits },
    authenticate: async ({ headers, connectionParams }) => {
      const id = String(connectionParams?.viewer ?? headers.viewer?.[0] ?? 'u1');
      return { id, name: id, roles: [] };
    },
  });
}

const HOUR = 3_600;
const subscribe = (id: string, query: string) => ({ id, type: 'subscribe', payload: { query } });
const toTarget = ({ endpoint, socketUrl }: TransportServer) => ({ graphql: endpoint, ws: socketUrl });

describe('the rate of operations', () => {
  it.each(Object.keys(SENDERS) as SenderName[])('of a viewer is told over %s', async (name) => {
    await using server = await start({ operationRate: { count: 2, seconds: HOUR } });
    const target = toTarget(server);
    await SENDERS.POST(target, { query: '{hello}' });
    expect((await SENDERS[name](target, { query: '{hello}' })).codes).toEqual([]);
    const { codes, text } = await SENDERS[name](target, { query: '{' });
    expect(codes).toEqual(['RATE_LIMITED']);
    expect(text).toContain('At most 2 in 3600 s');
  });

  it('is 429 over HTTP, with the time after which to come again; other viewers, probes and metrics are not concerned', async () => {
    await using server = await start({ operationRate: { count: 1, seconds: HOUR } });
    await post(server.endpoint, { query: '{hello}' });
    for (const accept of ['application/json', 'text/event-stream', 'multipart/mixed;subscriptionSpec=1.0']) {
      const { status, headers, body } = await post(
        server.endpoint,
        { query: 'subscription{waits}' },
        { accept },
      );
      expect(status).toBe(429);
      expect(Number(headers.get('retry-after'))).toBe(300);
      expect(body.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryAfterMs: 300_000 } }]);
    }
    expect((await post(server.endpoint, { query: '{viewer}' }, { viewer: 'u2' })).body).toEqual({
      data: { viewer: 'u2' },
    });
    for (const path of ['/livez', '/readyz']) expect((await fetch(server.url + path)).status).toBe(200);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('millrace_limits_reached_total{limit="operationRate"} 3');
    expect(server.seen.started).toEqual([]);
  });

  it('counts uploads, too', async () => {
    await using server = await start({ operationRate: { count: 1, seconds: HOUR } });
    await post(server.endpoint, { query: '{hello}' });
    const response = await fetch(`${server.url}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'graphql-require-preflight': '1' },
      body: 'x',
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '300']);
  });

  it('begins anew when its time is over', async () => {
    await using server = await start({ operationRate: { count: 1, seconds: 0.1 } });
    await post(server.endpoint, { query: '{hello}' });
    await expect.poll(async () => (await post(server.endpoint, { query: '{hello}' })).status).toBe(200);
  });

  it('on a WebSocket refuses the operation; its siblings go on', async () => {
    await using server = await start({ operationRate: { count: 1, seconds: HOUR } });
    const raw = await openAcknowledged(server.socketUrl);
    raw.send(subscribe('1', 'subscription{waits}'));
    await raw.receive(({ id, type }) => id === '1' && type === 'next');
    raw.send(subscribe('2', '{hello}'));
    expect(await raw.receive(({ id }) => id === '2')).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: 300_000 } }],
    });
    expect(server.seen.aborted).toEqual([]);
    raw.socket.terminate();
  });
});

describe('open streams', () => {
  it.each(['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0'])(
    'of a viewer by %s are bounded: one more is 429 and starts nothing, until one has ended',
    async (accept) => {
      await using server = await start({ streamsPerViewer: 1 });
      const first = await openRawHttp(server.url, ...toPost('subscription{waits}', accept));
      await expect.poll(() => server.seen.started).toEqual(['waits']);
      const refused = await post(server.endpoint, { query: 'subscription{waits}' }, { accept });
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
      expect(refused.body.errors).toMatchObject([{ extensions: { code: 'TOO_MANY_STREAMS' } }]);
      expect(server.seen.started).toEqual(['waits']);
      expect((await post(server.endpoint, { query: '{hello}' })).status).toBe(200);
      first.socket.destroy();
      await expect.poll(() => server.seen.aborted).toEqual(['waits']);
      const next = await openRawHttp(server.url, ...toPost('subscription{waits}', accept));
      await expect.poll(() => next.text()).toContain('"waits":1');
      next.socket.destroy();
    },
  );
});

describe('WebSockets', () => {
  it('of a viewer beyond the limit are closed with 1013 at their initialisation, until one has closed', async () => {
    await using server = await start({ webSocketsPerViewer: 1 });
    const first = await openAcknowledged(server.socketUrl, { viewer: 'ada' });
    const second = await openRawSocket(server.socketUrl);
    second.send({ type: 'connection_init', payload: { viewer: 'ada' } });
    expect(await second.closed).toEqual({ code: 1013, reason: 'Too many WebSockets of yours are open' });
    const other = await openAcknowledged(server.socketUrl, { viewer: 'bob' });
    first.socket.terminate();
    await expect
      .poll(() => openAcknowledged(server.socketUrl, { viewer: 'ada' }).then((raw) => raw.socket.terminate()))
      .toBeUndefined();
    other.socket.terminate();
  });

  it('that have closed before their viewer was known take no place of the viewer', async () => {
    const { promise: known, resolve: tell } = Promise.withResolvers<void>();
    let isAsked = false;
    await using server = await startTransportServer({
      config: { limits: { webSocketsPerViewer: 1 } },
      authenticate: async () => {
        if (!isAsked) {
          isAsked = true;
          await known;
        }
        return { id: 'u1', name: 'u1', roles: [] };
      },
    });
    const early = await openRawSocket(server.socketUrl);
    early.send({ type: 'connection_init' });
    await expect.poll(() => isAsked).toBe(true);
    early.socket.terminate();
    const getConnections = promisify(server.server.getConnections).bind(server.server);
    await expect.poll(() => getConnections()).toBe(0);
    tell();
    (await openAcknowledged(server.socketUrl)).socket.terminate();
    expect(server.lines).toEqual([]);
  });

  it('of an address beyond the limit are refused with 429, until one has closed', async () => {
    await using server = await start({ webSocketsPerAddress: 2 });
    const raws = [await openAcknowledged(server.socketUrl), await openAcknowledged(server.socketUrl)];
    expect(await refusedUpgrade(server.socketUrl)).toBe(429);
    raws[0]?.socket.terminate();
    await expect.poll(() => openRawSocket(server.socketUrl).then(() => 'open', String)).toBe('open');
    expect(await refusedUpgrade(server.socketUrl)).toBe(429);
    expect(server.lines).toMatchObject([
      { level: 'warn', fields: { limit: 'webSocketsPerAddress', address: '127.0.0.1' } },
      { level: 'info', fields: { code: 'RATE_LIMITED' } },
      { level: 'info', fields: { code: 'RATE_LIMITED' } },
    ]);
  });

  it('of an address that wait for their initialisation are bounded; those that are acknowledged wait no more', async () => {
    await using server = await start({ webSocketsWaiting: 1 });
    const first = await openRawSocket(server.socketUrl);
    expect(await refusedUpgrade(server.socketUrl)).toBe(429);
    first.send({ type: 'connection_init' });
    await first.receive(({ type }) => type === 'connection_ack');
    const second = await openRawSocket(server.socketUrl);
    second.socket.terminate();
    first.socket.terminate();
  });

  it('are opened no more often than the rate of their address allows, whether they stay or not', async () => {
    await using server = await start({ upgradeRate: { count: 2, seconds: HOUR } });
    for (let index = 0; index < 2; index += 1) (await openRawSocket(server.socketUrl)).socket.terminate();
    expect(await refusedUpgrade(server.socketUrl)).toBe(429);
  });

  it('behind trusted proxies count for the address that those were asked by', async () => {
    await using server = await start({ webSocketsPerAddress: 1 }, { server: { trustedProxies: 1 } });
    const from = (address: string) => ({ 'x-forwarded-for': `6.6.6.6, ${address}` });
    const first = await openRawSocket(server.socketUrl, { headers: from('1.1.1.1') });
    expect(await refusedUpgrade(server.socketUrl, from('1.1.1.1'))).toBe(429);
    const second = await openRawSocket(server.socketUrl, { headers: from('2.2.2.2') });
    for (const raw of [first, second]) raw.socket.terminate();
  });

  it('that are refused leave no connection open, even when their client does not close it', async () => {
    await using server = await start({ webSocketsPerAddress: 1 });
    const first = await openAcknowledged(server.socketUrl);
    const raw = await openRawHttp(server.url, ...UPGRADE);
    raw.socket.allowHalfOpen = true;
    await expect
      .poll(() => raw.text())
      .toMatch(/^HTTP\/1\.1 429 [\s\S]*retry-after: 1\r\n[\s\S]*"RATE_LIMITED"/);
    const getConnections = promisify(server.server.getConnections).bind(server.server);
    await expect.poll(() => getConnections()).toBe(1);
    raw.socket.destroy();
    first.socket.terminate();
  });
});

describe('operations of one WebSocket', () => {
  it('beyond the limit are refused with a time after which to try again', async () => {
    await using server = await start({ operationsPerSocket: 1 });
    const raw = await openAcknowledged(server.socketUrl);
    raw.send(subscribe('1', 'subscription{waits}'));
    raw.send(subscribe('2', 'not even GraphQL'));
    expect(await raw.receive(({ id }) => id === '2')).toMatchObject({
      payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS', retryAfterMs: 1_000 } }],
    });
    raw.socket.terminate();
  });
});

describe('messages of one WebSocket', () => {
  const messageRate = { count: 20, seconds: HOUR };

  it('beyond the rate begin nothing, beyond twice the rate they close it; siblings go on until then', async () => {
    await using server = await start({ messageRate });
    const raw = await openAcknowledged(server.socketUrl);
    raw.send(subscribe('sibling', 'subscription{waits}'));
    await raw.receive(({ id, type }) => id === 'sibling' && type === 'next');
    for (let index = 0; index < 9; index += 1) {
      raw.send(subscribe(`${index}`, 'subscription{waits}'));
      raw.send({ id: `${index}`, type: 'complete' });
    }
    raw.send(subscribe('late', 'subscription{waits}'));
    expect(await raw.receive(({ id }) => id === 'late')).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: 300_000 } }],
    });
    expect(raw.messages.some(({ id, type }) => id === 'sibling' && type === 'complete')).toBe(false);
    for (let index = 0; index < 25; index += 1) raw.send({ type: 'ping' });
    expect(await raw.closed).toEqual({ code: 1013, reason: 'Too many messages' });
    await expect.poll(() => server.seen.aborted.length).toBe(server.seen.started.length);
    expect(server.seen.started.length).toBeLessThanOrEqual(10);
  });

  it('count more the longer they are', async () => {
    await using server = await start({ messageRate });
    const raw = await openAcknowledged(server.socketUrl);
    const payload = { text: 'x'.repeat(64 * 1024) };
    for (let index = 0; index < 9; index += 1) raw.send({ type: 'ping', payload });
    expect((await raw.closed).code).toBe(1013);
    expect(raw.messages.filter(({ type }) => type === 'pong').length).toBeLessThan(9);
  });

  it.each(['ping', 'pong'] as const)('count, be they %ss of the WebSocket protocol', async (frame) => {
    await using server = await start({ messageRate });
    const raw = await openAcknowledged(server.socketUrl);
    for (let index = 0; index < 40; index += 1) raw.socket[frame]('x');
    expect((await raw.closed).code).toBe(1013);
  });

  it('that arrive while it is being closed begin nothing', async () => {
    await using server = await start({});
    const raw = await openAcknowledged(server.socketUrl);
    raw.send('nonsense');
    for (let index = 0; index < 3; index += 1) raw.send(subscribe(`${index}`, 'subscription{waits}'));
    expect((await raw.closed).code).toBe(4400);
    expect(server.seen.started).toEqual([]);
  });
});
