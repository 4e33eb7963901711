/** Attacks on HTTP itself: framing, headers, content types and streams. Each is refused or harmless, and nothing else happens. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answeredSoon } from '../../support/answered-soon.ts';
import { readResults } from '../../support/attack-senders.ts';
import { type AttackedApp, startAttackedApp } from '../../support/attacked-app.ts';
import { stream, textResponse } from '../../support/fake-backend-script.ts';
import { openRawHttp } from '../../support/raw-http.ts';

let attacked: AttackedApp;
beforeAll(async () => {
  attacked = await startAttackedApp({ server: { allowedOrigins: ['https://app.example'] } });
});
afterAll(() => attacked[Symbol.asyncDispose]());
afterEach(() => attacked.requireUnharmed());

const GOOD = JSON.stringify({ query: '{ serviceInfo { name } }' });
const ASK = JSON.stringify({
  query: 'subscription { streamingQuery(input: { query: "Why?" }) { __typename } }',
});
const HOST = 'host: localhost';
const POST = ['POST /graphql HTTP/1.1', HOST, 'content-type: application/json'];
const CHUNKED = [...POST, 'transfer-encoding: chunked'];

/** Everything that comes back until the server closes. */
const send = (...lines: readonly string[]): Promise<string> =>
  answeredSoon(async () => (await openRawHttp(attacked.app.url, ...lines)).ended);

describe('a request', () => {
  it.each([
    ['with lines that end in LF alone', [`POST /graphql HTTP/1.1\n${HOST}\ncontent-length: 0\n\n`], 400],
    ['with CR alone', ['POST /graphql HTTP/1.1', `${HOST}\rx-a: 1`, '', ''], 400],
    ['of another protocol', ['PRI * HTTP/2.0', '', 'SM', '', ''], 400],
    ['of HTTP without a version', ['GET /graphql', '', ''], 403],
    ['without a host', ['GET /livez HTTP/1.1', '', ''], 400],
    ['with a blank before the colon', [...POST, 'content-length : 5', '', 'xxxxx'], 400],
    ['with NUL in a header', [...POST, 'x-a: a\0b', '', ''], 400],
    ['with an empty header name', [...POST, ': 1', '', ''], 400],
    ['with a negative length', [...POST, 'content-length: -1', '', ''], 400],
    ['with a length in hexadecimal', [...POST, 'content-length: 0x10', '', ''], 400],
    ['with two equal lengths', [...POST, 'content-length: 5', 'content-length: 5', '', 'xxxxx'], 400],
    ['with a list of lengths', [...POST, 'content-length: 5, 5', '', 'xxxxx'], 400],
    ['with a length beyond all numbers', [...POST, `content-length: ${'9'.repeat(30)}`, '', ''], 400],
    ['with a length that is too large', [...POST, 'content-length: 1048577', '', ''], 413],
    ['with chunks that are not the last coding', [...POST, 'transfer-encoding: chunked, gzip', '', ''], 400],
    ['with an unknown coding', [...POST, 'transfer-encoding: xchunked', '', '0', '', ''], 400],
    ['with a chunk of no size', [...CHUNKED, '', 'x', '', ''], 400],
    ['with a chunk beyond all sizes', [...CHUNKED, '', 'fffffffffffffffff', ''], 400],
    ['with a chunk that is longer than it says', [...CHUNKED, '', '1', 'xxxx', '0', '', ''], 400],
    ['with a chunk of endless extensions', [...CHUNKED, '', `1;${'x'.repeat(20_000)}`, 'x'], 413],
    ['with a line of 20 KiB', [`GET /graphql?query=${'x'.repeat(20_480)} HTTP/1.1`, HOST, '', ''], 431],
    ['with a header of 20 KiB', [...POST, `x-a: ${'x'.repeat(20_480)}`, '', ''], 431],
    ['that expects what nobody knows', [...POST, 'expect: wonders', 'content-length: 0', '', ''], 417],
    ['of a method that nobody knows', ['BREW /graphql HTTP/1.1', HOST, '', ''], 400],
  ])('%s is answered with its status, and the connection ends', async (_what, lines, status) => {
    await answeredSoon(async () => {
      const raw = await openRawHttp(attacked.app.url, ...lines);
      const poll = { timeout: 20_000, interval: 5 };
      await expect.poll(() => raw.text(), poll).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      raw.socket.end();
      await raw.ended;
    });
  });

  it.each([
    ['TRACE', 'TRACE /graphql HTTP/1.1', 405],
    ['an absolute target of another host', 'GET http://evil.example/graphql HTTP/1.1', 403],
    ['a target without a path', 'GET ?query={hello} HTTP/1.1', 400],
    ['a path that climbs', 'GET /../../etc/passwd HTTP/1.1', 404],
    ['an encoded path that climbs', 'GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1', 404],
    ['a path with NUL', 'GET /livez%00 HTTP/1.1', 404],
    ['two slashes before a host', 'GET //evil.example/metrics HTTP/1.1', 404],
    ['a way round to a path', 'GET /public/../metrics HTTP/1.1', 404],
    ['an encoded way round', 'GET /public/%2e%2e/metrics HTTP/1.1', 404],
    ['a path with a fragment', 'GET /metrics#/graphql HTTP/1.1', 404],
  ])('of %s is answered with its status', async (_what, line, status) => {
    expect(await send(line, HOST, 'connection: close', '', '')).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('to CONNECT to somewhere is not', async () => {
    expect(await send('CONNECT evil.example:443 HTTP/1.1', HOST, '', '')).not.toContain('200');
  });

  it('whose length is a lie, too long, ends when its client does', async () => {
    const raw = await openRawHttp(attacked.app.url, ...POST, `content-length: ${ASK.length + 100}`, '', ASK);
    raw.socket.end();
    expect(await raw.ended).not.toContain('StartEvent');
  });

  it('whose length is a lie, too short, is what was announced; the rest is no request', async () => {
    const text = await send(...POST, `content-length: ${GOOD.length}`, '', `${GOOD}${ASK}\r\n\r\n`);
    expect(text).toMatch(/HTTP\/1\.1 400 [^/]*$/);
    expect(text).not.toContain('StartEvent');
  });

  it('that hides another in its body hides it in vain', async () => {
    const hidden = `GET /livez HTTP/1.1\r\n${HOST}\r\n\r\n`;
    const text = await send(...POST, `content-length: ${hidden.length}`, 'connection: close', '', hidden);
    expect(text).toMatch(/^HTTP\/1\.1 400 [\s\S]*"BAD_REQUEST"/);
    expect(text).not.toContain('alive');
  });
});

async function ask(body: string | Uint8Array, headers: Readonly<Record<string, string>>) {
  const response = await fetch(attacked.app.graphql, { method: 'POST', body: body as never, headers });
  return { status: response.status, text: await response.text() };
}

const post: typeof ask = (body, headers) => answeredSoon(() => ask(body, headers));

describe('a content type', () => {
  it.each([
    'application/json; charset=utf-16',
    'application/json; charset=utf-7',
    'application/json; charset=utf-8; charset=utf-16',
    'application/json; boundary=x',
    'application/json, text/plain',
    'text/plain; application/json',
    'application/json\u00a0',
    'application/vnd.api+json',
    'multipart/form-data; boundary=application/json',
    'multipart/mixed; subscriptionSpec=1.0',
    '*/*',
  ])('%s is not taken', async (type) => {
    const { status, text } = await post(ASK, { 'content-type': type, accept: 'text/event-stream' });
    expect([status, JSON.parse(text).errors[0].extensions.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it.each([
    'application/json;charset=UTF-8',
    'Application/JSON ; charset="utf8"',
    'application/graphql+json',
  ])('%s is', async (type) => {
    expect(await post(GOOD, { 'content-type': type })).toMatchObject({ status: 200 });
  });

  it.each([
    ['UTF-16', Buffer.from(GOOD, 'utf16le')],
    ['UTF-16 with its mark', Buffer.from(`\ufeff${GOOD}`, 'utf16le')],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['NULs', Buffer.alloc(64)],
    ['20,000 open brackets', Buffer.from('['.repeat(20_000))],
    ['20,000 open objects', Buffer.from('{"a":'.repeat(20_000))],
    ['a comment', Buffer.from(`/* */${GOOD}`)],
    ['two documents', Buffer.from(`${GOOD}${GOOD}`)],
  ])('that is right does not make JSON of %s', async (_what, body) => {
    const { status, text } = await post(body, { 'content-type': 'application/json' });
    expect([status, JSON.parse(text).errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST']);
  });

  it.each(['gzip', 'deflate', 'br', 'gzip, gzip', 'identity, gzip', 'x-gzip'])(
    'with the encoding %s is not unpacked',
    async (encoding) => {
      const { status } = await post(GOOD, {
        'content-type': 'application/json',
        'content-encoding': encoding,
      });
      expect(status).toBe(415);
    },
  );
});

describe('a foreign page', () => {
  it.each([
    'https://evil.example',
    'null',
    'https://app.example.evil.example',
    'http://app.example',
    'https://app.example:444',
    'https://APP.example',
    'file://',
  ])('of %s gets no stream, whatever cookies it sends', async (origin) => {
    const { status, text } = await post(ASK, {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      cookie: 'session=1',
      origin,
    });
    expect([status, JSON.parse(text).errors[0].extensions.code]).toEqual([403, 'FORBIDDEN']);
  });

  it('cannot ask by an EventSource', async () => {
    const url = `${attacked.app.graphql}?query=${encodeURIComponent(JSON.parse(ASK).query)}`;
    const response = await answeredSoon(() => fetch(url, { headers: { accept: 'text/event-stream' } }));
    expect([response.status, (await response.json()).errors[0].extensions.code]).toEqual([
      403,
      'CSRF_HEADER_REQUIRED',
    ]);
  });
});

describe('Last-Event-ID', () => {
  it.each(['garbage', '-1', 'x'.repeat(8_000), '\u00ff\u00fe', '{"__proto__":1}'])(
    'of %.20s is not looked at',
    async (id) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        'last-event-id': id,
      };
      const { status, text } = await post(GOOD, headers);
      expect(status).toBe(200);
      expect(text).toContain('"millrace"');
    },
  );
});

describe('what a model writes', () => {
  const HOSTILE = [
    '\n\ndata: {}\n\n',
    '\r\nevent: complete\r\ndata:\r\n\r\n',
    '\r\n--graphql--\r\n',
    '\r\n--graphql\r\ncontent-type: application/json\r\n\r\n{"payload":null}',
    '\u2028\u2029\u0085\v\f',
    '</script><script>alert(1)</script>',
  ];
  it.each(['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0'])(
    'stands in its part of %s, however much it looks like one',
    async (accept) => {
      attacked.fake.reply(stream(textResponse(HOSTILE.join(''), { pieces: HOSTILE })));
      const query =
        'subscription { streamingQuery(input: { query: "Write" }) { __typename ... on TokenEvent { token } ... on TurnCompleteEvent { answer } } }';
      const { text } = await ask(JSON.stringify({ query }), { 'content-type': 'application/json', accept });
      const events = readResults(text, accept).map(({ data }) => data?.streamingQuery ?? {});
      expect(events.map(({ __typename }) => __typename)).toEqual(
        expect.arrayContaining(['StartEvent', 'TokenEvent', 'TurnCompleteEvent', 'EndEvent']),
      );
      expect(events.map(({ token = '' }) => token).join('')).toBe(HOSTILE.join(''));
      expect(events.find(({ answer }) => answer !== undefined)?.answer).toBe(HOSTILE.join(''));
      await attacked.forgive();
    },
  );
});
