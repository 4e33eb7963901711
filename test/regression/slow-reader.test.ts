import { describe, expect, it } from 'vitest';
import { readMetric } from '../support/metrics.ts';
import { openRawHttp, toPost } from '../support/raw-http.ts';
import { openAcknowledged } from '../support/raw-socket.ts';
import { FLOOD_BYTES, post, startTransportServer } from '../support/transport-server.ts';

/** What the kernel holds for one connection on loopback, and our 256 KiB. */
const BOUND_BYTES = 32 * 1024 * 1024;
const config = { turns: { followerStallMs: 300 } };
const MULTIPART = 'multipart/mixed;subscriptionSpec=1.0';

describe('a reader that has stopped reading', () => {
  it.each(['text/event-stream', MULTIPART])(
    'of %s holds bounded memory, is cut, and harms nobody',
    async (accept) => {
      await using server = await startTransportServer({ config });
      const raw = await openRawHttp(server.url, ...toPost('subscription{flood}', accept));
      raw.socket.pause();
      await expect.poll(() => server.seen.flooded).toBeGreaterThan(0);
      expect((await post(server.endpoint, { query: '{hello}' })).body).toEqual({
        data: { hello: 'Hello, world' },
      });
      await expect.poll(() => server.seen.aborted, { timeout: 5_000 }).toEqual(['flood']);
      expect(server.seen.flooded * FLOOD_BYTES).toBeLessThan(BOUND_BYTES);
      raw.socket.resume();
      expect(await raw.ended).not.toContain('event: complete');
    },
  );

  it('of a WebSocket holds bounded memory, is closed with 1013, and harms nobody', async () => {
    await using server = await startTransportServer({ config });
    const raw = await openAcknowledged(server.socketUrl);
    raw.send({ id: '1', type: 'subscribe', payload: { query: 'subscription{flood}' } });
    raw.socket.pause();
    await expect.poll(() => server.seen.flooded).toBeGreaterThan(0);
    const other = await openAcknowledged(server.socketUrl);
    other.send({ id: '1', type: 'subscribe', payload: { query: '{hello}' } });
    await other.receive(({ type }) => type === 'complete');
    other.socket.terminate();
    await expect.poll(() => server.seen.aborted, { timeout: 5_000 }).toEqual(['flood']);
    expect(server.seen.flooded * FLOOD_BYTES).toBeLessThan(BOUND_BYTES);
    raw.socket.resume();
    expect(await raw.closed).toEqual({ code: 1013, reason: 'The reader is too slow' });
  });

  it('but resumes in time receives everything in order', async () => {
    await using server = await startTransportServer();
    const count = 50_000;
    const raw = await openRawHttp(server.url, ...toPost(`subscription{ticks(n:${count})}`));
    raw.socket.pause();
    await expect.poll(() => raw.socket.bytesRead, { timeout: 20_000 }).toBeGreaterThan(0);
    raw.socket.resume();
    await expect.poll(() => raw.text().includes('event: complete'), { timeout: 20_000 }).toBe(true);
    const received = [...raw.text().matchAll(/"ticks":(\d+)/g)].map(([, tick]) => Number(tick));
    expect(received).toEqual(Array.from({ length: count }, (_, i) => i));
    raw.socket.destroy();
  });
});

describe('a reader of an answer that is no stream', () => {
  it('holds it for a bounded time when it stops reading, and loses its connection', async () => {
    await using server = await startTransportServer({ config });
    // Ten times half a megabyte: more than the kernels of both sides keep.
    const fields = Array.from({ length: 10 }, (_, index) => `f${index}: hello(name: $name)`);
    const name = 'x'.repeat(512 * 1024);
    const query = `query($name: String! = "${name}") { ${fields.join(' ')} }`;
    const raw = await openRawHttp(server.url, ...toPost(query, 'application/json'));
    raw.socket.pause();
    const countCut = () => readMetric(server, 'millrace_readers_cut_total', { transport: 'http' });
    await expect.poll(countCut, { timeout: 20_000 }).toBe(1);
    expect(await readMetric(server, 'millrace_waiting_bytes')).toBe(0);
    raw.socket.destroy();
  });
});

describe('a reader that has gone', () => {
  it.each(['waits', 'starting', 'flood'])(
    'in the middle of %s ends the operation, and the server lives',
    async (field) => {
      await using server = await startTransportServer();
      const raw = await openRawHttp(server.url, ...toPost(`subscription{${field}}`));
      await expect.poll(() => server.seen.started).toEqual([field]);
      raw.socket.destroy();
      await expect.poll(() => server.seen.aborted).toEqual([field]);
      expect((await post(server.endpoint, { query: '{hello}' })).status).toBe(200);
      expect(server.lines).toEqual([]);
    },
  );
});

describe('a silent stream', () => {
  it.each([
    ['text/event-stream', /(:\n\n[\s\S]*){4}/],
    [MULTIPART, /(\{\}\r\n--graphql[\s\S]*){3}/],
  ])('of %s is kept alive', async (accept, beats) => {
    await using server = await startTransportServer({ config: { server: { keepAliveMs: 20 } } });
    const raw = await openRawHttp(server.url, ...toPost('subscription{waits}', accept));
    await expect.poll(() => raw.text()).toMatch(beats);
    raw.socket.destroy();
  });
});
