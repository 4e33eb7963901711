import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRawHttp, toPost } from '../../support/raw-http.ts';
import { post, startTransportServer, type TransportServer } from '../../support/transport-server.ts';

let server: TransportServer;
beforeAll(async () => {
  server = await startTransportServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const manyHeaders = Array.from({ length: 2_000 }, (_, i) => `x-header-${i}: ${i}`);
const UPGRADE = [
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol: graphql-transport-ws',
];

describe('malformed HTTP', () => {
  it.each([
    ['no HTTP', ['nonsense', '', ''], 400],
    [
      'a length beside chunks',
      [
        'POST /graphql HTTP/1.1',
        'host: x',
        'content-length: 5',
        'transfer-encoding: chunked',
        '',
        '0',
        '',
        '',
      ],
      400,
    ],
    ['a folded header', ['GET / HTTP/1.1', 'host: x', 'x-a: 1', ' folded', '', ''], 400],
    [
      'two lengths',
      ['POST /graphql HTTP/1.1', 'host: x', 'content-length: 5', 'content-length: 6', '', 'xxxxxx'],
      400,
    ],
    ['too many headers', ['GET / HTTP/1.1', 'host: x', ...manyHeaders, '', ''], 431],
    [
      'an upgrade with too many headers',
      ['GET /graphql HTTP/1.1', 'host: x', ...UPGRADE, ...manyHeaders, '', ''],
      431,
    ],
  ])('with %s is refused and the server lives', async (_name, lines, status) => {
    const raw = await openRawHttp(server.url, ...lines);
    expect(await raw.ended).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect((await post(server.endpoint, { query: '{hello}' })).status).toBe(200);
  });

  it('with an upgrade that is no WebSocket’s is refused', async () => {
    const lines = ['GET /graphql HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket', '', ''];
    const raw = await openRawHttp(server.url, ...lines);
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it('with a body that never ends is cut at the limit', async () => {
    const raw = await openRawHttp(
      server.url,
      ...[
        'POST /graphql HTTP/1.1',
        'host: x',
        'content-type: application/json',
        'transfer-encoding: chunked',
        '',
        '',
      ],
    );
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    const write = (): void => {
      while (!raw.socket.destroyed && raw.socket.write(chunk)) {}
    };
    raw.socket.on('drain', write);
    write();
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 413 [\s\S]*"PAYLOAD_TOO_LARGE"/);
  });

  it('does not keep a client that left in the middle of its body', async () => {
    const lines = [
      'POST /graphql HTTP/1.1',
      'host: x',
      'content-type: application/json',
      'content-length: 100',
      '',
      '{',
    ];
    const raw = await openRawHttp(server.url, ...lines);
    raw.socket.destroy();
    await raw.ended;
    expect((await post(server.endpoint, { query: '{hello}' })).status).toBe(200);
  });

  it('limits how slowly a request may arrive, but no stream', () => {
    expect(server.server.headersTimeout).toBe(10_000);
    expect(server.server.requestTimeout).toBe(30_000);
    expect(server.server.timeout).toBe(0);
  });
});

describe('a client that takes its time', () => {
  const SLOW: readonly (readonly [what: string, lines: readonly string[]])[] = [
    ['says nothing at all', ['']],
    ['sends its headers byte by byte', ['POST /graphql HTTP/1.1', 'host: x', 'x-slow: ']],
    [
      'sends its body byte by byte',
      [
        'POST /graphql HTTP/1.1',
        'host: x',
        'content-type: application/json',
        'content-length: 100000',
        '',
        '{',
      ],
    ],
    ['sends the headers of an upgrade byte by byte', ['GET /graphql HTTP/1.1', ...UPGRADE, 'x-slow: ']],
  ];

  it.each(SLOW)('and %s is told so, and closed', async (_what, lines) => {
    await using own = await startTransportServer();
    Object.assign(own.server, { headersTimeout: 300, requestTimeout: 600 });
    const raw = await openRawHttp(own.url, ...lines);
    const drip = setInterval(() => raw.socket.write(lines.length > 1 ? ' ' : ''), 50);
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 408 /);
    clearInterval(drip);
    expect((await post(own.endpoint, { query: '{hello}' })).status).toBe(200);
  });
});

describe('pipelined requests', () => {
  it('wait for the stream before them without being run into memory', async () => {
    await using own = await startTransportServer();
    const raw = await openRawHttp(
      own.url,
      [...toPost('subscription{waits}'), ...toPost('subscription{flood}')].join('\r\n'),
    );
    await expect.poll(() => own.seen.started).toEqual(['waits', 'flood']);
    await expect.poll(() => raw.text()).toContain('"waits":1');
    expect(own.seen.flooded).toBe(0);
    raw.socket.destroy();
    await expect.poll(() => [...own.seen.aborted].sort()).toEqual(['flood', 'waits']);
  });
});
