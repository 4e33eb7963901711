/** How many connections a server takes. */
import { describe, expect, it } from 'vitest';
import { openRawHttp } from '../../support/raw-http.ts';
import { startTransportServer } from '../../support/transport-server.ts';

describe('connections', () => {
  it('beyond the limit are closed at once, which is counted, and those that are there go on', async () => {
    await using small = await startTransportServer({ config: { server: { maxConnections: 2 } } });
    const kept = await openRawHttp(small.url, 'GET /livez HTTP/1.1', 'host: localhost', '', '');
    const other = await openRawHttp(small.url, 'GET /livez HTTP/1.1', 'host: localhost', '', '');
    await expect.poll(() => kept.text() + other.text()).toMatch(/alive[\s\S]*alive/);
    const refused = await openRawHttp(small.url, 'GET /livez HTTP/1.1', 'host: localhost', '', '');
    expect(await refused.ended).toBe('');
    kept.socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await expect.poll(() => kept.text()).toContain('\nmillrace_connections_dropped_total 1\n');
    expect(kept.text()).toContain('\nmillrace_connections 2\n');
    for (const { socket } of [kept, other]) socket.destroy();
  });
});
