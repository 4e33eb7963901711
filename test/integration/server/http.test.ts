import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Posted,
  post,
  startTransportServer,
  type TransportServer,
} from '../../support/transport-server.ts';

let server: TransportServer;
beforeAll(async () => {
  server = await startTransportServer({
    config: { server: { allowedOrigins: ['https://app.example'] } },
    readiness: async () => (isReady ? [] : ['database: cannot be reached']),
  });
});
afterAll(() => server[Symbol.asyncDispose]());

let isReady = true;
const GRAPHQL_JSON = { accept: 'application/graphql-response+json' };
const PREFLIGHT = { 'graphql-require-preflight': '1' };

const codeOf = ({ body }: Posted) => body.errors?.[0]?.extensions.code;
async function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Posted> {
  const response = await fetch(`${server.url}${path}`, { headers, redirect: 'manual' });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe('a POST', () => {
  it.each([
    ['no JSON', '{', 400, 'BAD_REQUEST'],
    ['an empty body', '', 400, 'BAD_REQUEST'],
    ['null', 'null', 400, 'BAD_REQUEST'],
    ['a number', '1', 400, 'BAD_REQUEST'],
    ['a string', '"x"', 400, 'BAD_REQUEST'],
    ['an empty batch', '[]', 400, 'BATCHING_DISABLED'],
    ['a batch', '[{"query":"{hello}"},{"query":"{hello}"}]', 400, 'BATCHING_DISABLED'],
    ['an unknown parameter', { query: '{hello}', foo: 1 }, 400, 'BAD_REQUEST'],
    ['no query', { variables: {} }, 400, 'BAD_REQUEST'],
    ['variables that are a string', { query: '{hello}', variables: '{}' }, 400, 'BAD_REQUEST'],
    ['variables that are a list', { query: '{hello}', variables: [] }, 400, 'BAD_REQUEST'],
    ['extensions that are a number', { query: '{hello}', extensions: 7 }, 400, 'BAD_REQUEST'],
    [
      'an operationName that is a number',
      { query: '{hello}', operationName: 7 },
      400,
      'OPERATION_RESOLUTION_FAILURE',
    ],
    [
      'an unknown operationName',
      { query: 'query A{hello}', operationName: 'B' },
      400,
      'OPERATION_RESOLUTION_FAILURE',
    ],
    [
      'two operations and no name',
      { query: 'query A{hello} query B{hello}' },
      400,
      'OPERATION_RESOLUTION_FAILURE',
    ],
  ])('of %s is refused', async (_name, body, status, code) => {
    const answer = await post(server.endpoint, body);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(JSON.stringify(answer.body)).not.toContain('originalError');
  });

  it.each([
    ['an empty query', '', 'GRAPHQL_PARSE_FAILED'],
    ['a syntax error', '{', 'GRAPHQL_PARSE_FAILED'],
    ['too many tokens', `{${' hello'.repeat(10_000)}}`, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{helo}', 'GRAPHQL_VALIDATION_FAILED'],
    ['a circle of fragments', '{...A} fragment A on Query{...A}', 'GRAPHQL_VALIDATION_FAILED'],
  ])('of a document with %s is 200 as JSON and 400 as GraphQL JSON', async (_name, query, code) => {
    const asJson = await post(server.endpoint, { query });
    const asGraphql = await post(server.endpoint, { query }, GRAPHQL_JSON);
    expect([asJson.status, codeOf(asJson)]).toEqual([200, code]);
    expect([asGraphql.status, codeOf(asGraphql)]).toEqual([400, code]);
    expect(asGraphql.headers.get('content-type')).toBe('application/graphql-response+json; charset=utf-8');
  });

  it('makes no suggestions about the schema', async () => {
    for (const query of [
      '{helo}',
      '{hello(nam: "x")}',
      'query($n: Strin){hello(name: $n)}',
      'query($x: Colour){colour}',
    ]) {
      const { body } = await post(server.endpoint, { query, variables: { x: 'REDD' } });
      expect(body.errors?.length).toBeGreaterThan(0);
      expect(JSON.stringify(body)).not.toContain('Did you mean');
    }
  });

  it.each([
    ['no content type', undefined],
    ['text', 'text/plain'],
    ['XML', 'application/xml'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['a multipart form', 'multipart/form-data; boundary=x'],
    ['a bare document', 'application/graphql'],
    ['another charset', 'application/json; charset=iso-8859-1'],
    ['a lookalike', 'application/jsonp'],
  ])('with %s is 415 and runs nothing', async (_name, contentType) => {
    const before = server.seen.mutations;
    const response = await fetch(server.endpoint, {
      method: 'POST',
      body: new TextEncoder().encode('query=mutation{count}'),
      headers: { ...PREFLIGHT, ...(contentType && { 'content-type': contentType }) },
    });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } }],
    });
    expect(server.seen.mutations).toBe(before);
  });

  it('of a compressed body is 415, so that no bomb is unpacked', async () => {
    const answer = await post(server.endpoint, { query: '{hello}' }, { 'content-encoding': 'gzip' });
    expect([answer.status, codeOf(answer)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('of bytes that are not UTF-8 is refused', async () => {
    const body = Buffer.from('{"query":"{hello(name:\\"\xff\\")}"}', 'latin1');
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(server.endpoint, { method: 'POST', body, headers });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });

  it.each([
    ['with its length', () => 'x'.repeat(1_200_000)],
    ['in chunks', () => Readable.toWeb(Readable.from(chunks(40))) as ReadableStream],
  ])('of more than a mebibyte %s is 413', async (_name, body) => {
    const response = await fetch(server.endpoint, {
      method: 'POST',
      body: body(),
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }] });
  });

  it('that accepts no stream starts no subscription', async () => {
    const answer = await post(
      server.endpoint,
      { query: 'subscription{waits}' },
      { accept: 'application/json' },
    );
    expect([answer.status, codeOf(answer)]).toEqual([406, 'NOT_ACCEPTABLE']);
    expect(server.seen.started).toEqual([]);
  });

  it('that accepts nothing that we have runs no mutation', async () => {
    const before = server.seen.mutations;
    const answer = await post(server.endpoint, { query: 'mutation{count}' }, { accept: 'text/html' });
    expect([answer.status, codeOf(answer)]).toEqual([406, 'NOT_ACCEPTABLE']);
    expect(server.seen.mutations).toBe(before);
  });
});

function* chunks(count: number): Generator<Buffer> {
  for (let i = 0; i < count; i += 1) yield Buffer.alloc(64 * 1024, 0x20);
}

describe('a GET', () => {
  const path = (query: string, rest = '') => `/graphql?query=${encodeURIComponent(query)}${rest}`;

  it('runs a query with variables', async () => {
    const query = 'query($n:String!){hello(name:$n)}';
    const answer = await get(path(query, `&variables=${encodeURIComponent('{"n":"you"}')}`), PREFLIGHT);
    expect(answer.body).toEqual({ data: { hello: 'Hello, you' } });
  });

  it('runs nothing without a header that a foreign page cannot send', async () => {
    const answer = await get(path('{hello}'));
    expect([answer.status, codeOf(answer)]).toEqual([403, 'CSRF_HEADER_REQUIRED']);
  });

  it.each(['mutation{count}', 'subscription{waits}'])('does not run %s', async (query) => {
    const before = server.seen.mutations;
    const answer = await get(path(query), { ...PREFLIGHT, accept: 'text/event-stream, application/json' });
    expect([answer.status, codeOf(answer)]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect(server.seen).toMatchObject({ mutations: before, started: [] });
  });

  it.each(['variables', 'extensions'])('with %s that are not JSON is refused', async (name) => {
    const answer = await get(path('{hello}', `&${name}={`), PREFLIGHT);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'BAD_REQUEST']);
  });

  it('of the page that development mode has is 404 in production', async () => {
    const answer = await get('/graphql', { accept: 'text/html' });
    expect([answer.status, codeOf(answer)]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('other methods', () => {
  it.each(['PUT', 'DELETE', 'PATCH', 'HEAD'])('%s is 405 with what is allowed', async (method) => {
    const response = await fetch(server.endpoint, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, POST, OPTIONS');
  });
});

describe('origins', () => {
  const preflight = (origin: string) =>
    fetch(server.endpoint, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });

  it('that are listed may call, without credentials', async () => {
    const { status, headers } = await preflight('https://app.example');
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(headers.get('access-control-allow-headers')).toBe('content-type');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    const answer = await post(server.endpoint, { query: '{hello}' }, { origin: 'https://app.example' });
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example');
  });

  it.each(['https://evil.example', 'null'])(
    'that are not, such as %s, get no leave and no answer',
    async (origin) => {
      const { headers } = await preflight(origin);
      expect(headers.get('access-control-allow-origin')).toBeNull();
      const before = server.seen.mutations;
      const answer = await post(server.endpoint, { query: 'mutation{count}' }, { origin });
      expect([answer.status, codeOf(answer)]).toEqual([403, 'FORBIDDEN']);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(server.seen.mutations).toBe(before);
    },
  );
});

describe('the request id', () => {
  it('is the caller’s, in the header, in the context and in errors', async () => {
    const headers = { 'x-request-id': 'call-1' };
    const answer = await post(server.endpoint, { query: '{requestId expected}' }, headers);
    expect(answer.headers.get('x-request-id')).toBe('call-1');
    expect(answer.body).toMatchObject({
      data: { requestId: 'call-1' },
      errors: [{ extensions: { requestId: 'call-1' } }],
    });
  });

  it('is new when the caller’s is not fit for a log', async () => {
    const { headers } = await post(server.endpoint, { query: '{hello}' }, { 'x-request-id': 'a b' });
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('other paths', () => {
  it('tell whether the process lives and can serve', async () => {
    expect(await get('/livez')).toMatchObject({ status: 200, body: { status: 'alive' } });
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
    isReady = false;
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body: { status: 'not ready', reasons: ['database: cannot be reached'] },
    });
    isReady = true;
  });

  it('give metrics as text', async () => {
    const response = await fetch(`${server.url}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  it('count requests by our own paths, never by what a client made up', async () => {
    await get('/made-up-by-a-client');
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(text).toMatch(/millrace_http_requests_total\{route="other",status="404"\} [1-9]/);
    expect(text).toMatch(/ls_rest_api_calls_total\{path="other",status_code="404"\} [1-9]/);
    expect(text).not.toContain('made-up');
  });

  it('say where GraphQL is', async () => {
    expect((await get('/')).body).toEqual({ service: 'millrace', graphql: '/graphql' });
  });

  it.each(['/nothing', '/graphql/', '/graphqlx', '//', '/livez/x'])('such as %s are 404', async (path) => {
    const answer = await get(path);
    expect([answer.status, codeOf(answer)]).toEqual([404, 'NOT_FOUND']);
  });

  it('are not to be posted to', async () => {
    const response = await fetch(`${server.url}/livez`, { method: 'POST' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});
