/** POST /uploads over real sockets: what is refused, when, and with what status. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { openRawHttp } from '../../support/raw-http.ts';
import { PNG } from '../../support/refusals.ts';

const MAX = 10 * 1024 * 1024;
const SCRIPT = { 'graphql-require-preflight': '1' };

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    config: {
      mode: 'production',
      server: { allowedOrigins: ['https://app.example'] },
      limits: { uploadsPerViewer: 1_000, uploadsReadingPerViewer: 4 },
    },
  });
});
afterAll(() => app[Symbol.asyncDispose]());

type Sent = Buffer | string;

async function send(body: Sent, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${app.url}/uploads`, {
    method: 'POST',
    body,
    headers: { ...SCRIPT, 'content-type': 'text/plain', ...headers },
  } as RequestInit);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const refusal = (code: string) => ({ errors: [{ extensions: { code, requestId: expect.any(String) } }] });

describe('POST /uploads', () => {
  it.each([
    ['text/plain', 'größer'],
    ['text/markdown; charset=utf-8', '# A'],
    ['text/html', '<p>'],
    ['application/json', '{'],
    ['application/yaml', 'a: b'],
    ['application/xml', '<a/>'],
    ['image/png', PNG],
    ['IMAGE/JPEG', Buffer.from('ffd8ffe0', 'hex')],
  ])('takes %s and tells the id, the size and the end of its time', async (contentType, content) => {
    const answer = await send(content, { 'content-type': contentType });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      uploadId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      byteSize: Buffer.byteLength(content),
      contentType: contentType.split(';')[0]?.toLowerCase(),
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  it('takes 10 MiB, and not a byte more', async () => {
    expect(await send(Buffer.alloc(MAX, 0x61))).toMatchObject({ status: 201, body: { byteSize: MAX } });
    expect(await send(Buffer.alloc(MAX + 1, 0x61))).toMatchObject({
      status: 413,
      body: refusal('PAYLOAD_TOO_LARGE'),
    });
  });

  it('stops to read a body without a length at the limit', async () => {
    const raw = await openRawHttp(
      app.url,
      'POST /uploads HTTP/1.1',
      'host: localhost',
      'graphql-require-preflight: 1',
      'content-type: text/plain',
      'transfer-encoding: chunked',
      '',
      '',
    );
    const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`;
    for (let i = 0; i < 161; i += 1) raw.socket.write(chunk);
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 413 /);
  });

  it.each([
    ['an unknown type', 'x', { 'content-type': 'application/pdf' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['another charset', 'x', { 'content-type': 'text/plain; charset=latin1' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a compressed body', 'x', { 'content-encoding': 'gzip' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['nothing', '', {}, 422, 'BAD_USER_INPUT'],
    ['a NUL character', 'a\0b', {}, 422, 'BAD_USER_INPUT'],
    ['bytes that are not UTF-8', Buffer.from([0x61, 0xff]), {}, 422, 'BAD_USER_INPUT'],
    ['an image that begins otherwise', 'x', { 'content-type': 'image/png' }, 422, 'BAD_USER_INPUT'],
    ['a foreign origin', 'x', { origin: 'https://evil.example' }, 403, 'FORBIDDEN'],
  ])('refuses %s', async (_what, body, headers, status, code) => {
    expect(await send(body, headers)).toMatchObject({ status, body: refusal(code) });
  });

  it('refuses what a form of a foreign page can send', async () => {
    const response = await fetch(`${app.url}/uploads`, { method: 'POST', body: 'x' });
    expect([response.status, await response.json()]).toMatchObject([403, refusal('CSRF_HEADER_REQUIRED')]);
  });

  it('answers a listed origin so that its page can read it, refusals too', async () => {
    const origin = 'https://app.example';
    for (const contentType of ['text/plain', 'application/pdf']) {
      const { headers } = await send('x', { origin, 'content-type': contentType });
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    }
    const preflight = await fetch(`${app.url}/uploads`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-headers': 'content-type,graphql-require-preflight' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('POST');
    expect(preflight.headers.get('access-control-allow-headers')).toBe(
      'content-type,graphql-require-preflight',
    );
  });

  it.each(['GET', 'PUT', 'DELETE'])('is not to be asked with %s', async (method) => {
    const response = await fetch(`${app.url}/uploads`, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });

  it('reads at most as many bodies of a viewer at a time as are allowed', async () => {
    const lines = [
      'POST /uploads HTTP/1.1',
      'host: localhost',
      'graphql-require-preflight: 1',
      'content-type: text/plain',
      'content-length: 2',
      'expect: 100-continue',
      '',
      'x',
    ];
    const slow = await Promise.all([1, 2, 3, 4].map(() => openRawHttp(app.url, ...lines)));
    await expect.poll(() => slow.every(({ text }) => text().includes('100 Continue'))).toBe(true);
    const refused = await send('x');
    expect(refused).toMatchObject({ status: 429, body: refusal('RATE_LIMITED') });
    expect(refused.headers.get('retry-after')).toBe('1');
    for (const { socket } of slow) socket.destroy();
    await expect.poll(async () => (await send('x')).status).toBe(201);
  });

  it('is counted under its own path', async () => {
    await send('x', { 'content-type': 'application/pdf' });
    const text = await (await fetch(`${app.url}/metrics`)).text();
    expect(text).toMatch(/millrace_http_requests_total\{route="\/uploads",status="415"\} [1-9]/);
  });
});
